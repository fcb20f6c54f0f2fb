import { describe, expect, it } from 'vitest';
import { labelValue } from '../../../contract/labels.ts';
import { buildPod, podResult } from '../../../scheduler/cleanup/pod.ts';
import { podName, runName } from '../../../scheduler/run/names.ts';
import * as build from '../../helpers/builders.ts';

const template = { namespace: 'nodesweep', image: 'acme/nodesweep:1', serviceAccountName: 'cleaner', logLevel: 'info' };
const runtime = { socket: '/run/containerd/containerd.sock', stateDirectory: '/var/lib/containerd/nodesweep' };
const pod = buildPod(build.buildRun(), 'uid', { ...build.buildNode('a'), runtime }, 0, template);
const [container] = pod.spec.containers;

describe('the cleaner pod', () => {
  it('is bound to its node, critical, and tolerates what the policy tolerates (C15, C16)', () => {
    expect(pod.spec).toMatchObject({
      nodeName: 'a',
      priorityClassName: 'system-node-critical',
      restartPolicy: 'Never',
      tolerations: [{ operator: 'Exists' }],
      activeDeadlineSeconds: 3600,
    });
  });

  it('has no token, no capability, no writable root and no way to more privileges', () => {
    expect(pod.spec.automountServiceAccountToken).toBe(false);
    expect(pod.spec.securityContext.seccompProfile).toEqual({ type: 'RuntimeDefault' });
    expect(container?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('may use 256 MiB of memory, and as much CPU as is free', () => {
    expect(container?.resources.limits).toEqual({ memory: '256Mi' });
  });

  it('mounts the socket, its own state directory and its job, and nothing else', () => {
    expect(pod.spec.volumes).toEqual([
      { name: 'job', configMap: { name: 'nightly-29540760.job' } },
      { name: 'state', hostPath: { path: runtime.stateDirectory, type: 'DirectoryOrCreate' } },
      { name: 'socket', hostPath: { path: runtime.socket, type: 'Socket' } },
    ]);
  });

  it.each([
    ['/var/run/docker.sock', '/run/nodesweep/docker.sock'],
    ['/run/user/1000/docker.sock', '/run/nodesweep/docker.sock'],
    ['/run/cri-dockerd.sock', '/run/nodesweep/runtime.sock'],
    ['/run/crio/crio.sock', '/run/nodesweep/runtime.sock'],
  ])("sees the node's %s as %s, by which the cleaner tells Docker Engine apart", (socket, mountPath) => {
    const [cleaner] = buildPod(
      build.buildRun(),
      'uid',
      { ...build.buildNode('a'), runtime: { ...runtime, socket } },
      0,
      template,
    ).spec.containers;
    expect(cleaner?.volumeMounts).toContainEqual({ name: 'socket', mountPath });
    expect(cleaner?.env).toContainEqual({ name: 'CONTAINER_RUNTIME_ENDPOINT', value: `unix://${mountPath}` });
  });

  it('belongs to the record of its run, so that it goes with it (C31)', () => {
    expect(pod.metadata.ownerReferences).toMatchObject([
      { kind: 'ConfigMap', name: 'nightly-29540760.run', uid: 'uid' },
    ]);
  });

  it('has a valid name for the longest policy name, and another one for each run, node and try (C14)', () => {
    const run = runName('p'.repeat(52), { type: 'Schedule', slot: build.start });
    const request = runName('p'.repeat(52), { type: 'Request', request: 'x' });
    const names = [podName(run, 'a', 0), podName(run, 'a', 1), podName(run, 'b', 0), podName(request, 'a', 0)];
    expect(new Set(names).size).toBe(4);
    for (const name of names) expect(name).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])$/);
    for (const name of [run, request]) expect(name.length).toBeLessThanOrEqual(63);
    expect(podName(run, 'a', 0)).toBe(podName(run, 'a', 0));
  });

  it('has the name of its node as a label, shortened where it is too long', () => {
    const long = `node-${'x'.repeat(80)}.example.com`;
    expect(labelValue('node-1')).toBe('node-1');
    expect(labelValue(long)).toMatch(/^node-x+-[a-z0-9]{10}$/);
    expect(labelValue(long).length).toBe(63);
  });
});

describe('the end of a cleaner pod (C25)', () => {
  it.each([
    ['one that waits is active', build.buildPod('a', { phase: 'Pending' }), { kind: 'Active' }],
    [
      'one that is terminating is active until it has ended (C26)',
      build.buildPod('a', { deletionTimestamp: build.start }),
      { kind: 'Active' },
    ],
    ['one with a report', build.buildReportedPod('a'), { kind: 'Reported', report: { images: { removed: 3 } } }],
    [
      'one that was evicted',
      build.buildPod('a', { phase: 'Failed', reason: 'Evicted' }),
      { kind: 'Lost', reason: 'Evicted' },
    ],
    [
      'one that the kubelet rejected',
      build.buildPod('a', { phase: 'Failed', reason: 'OutOfpods' }),
      { kind: 'Lost', reason: 'OutOfpods' },
    ],
    [
      'one that ran out of memory',
      build.buildPod('a', { phase: 'Failed', containerReason: 'OOMKilled', exitCode: 137 }),
      { kind: 'Lost', reason: 'OutOfMemory' },
    ],
    [
      'one that crashed without a report',
      build.buildPod('a', {
        phase: 'Failed',
        containerReason: 'Error',
        exitCode: 139,
        containerMessage: 'Segmentation fault',
      }),
      {
        kind: 'Lost',
        reason: 'CleanerCrashed',
        message: expect.stringMatching(/exit code 139 and without a report: Segmentation fault/),
      },
    ],
    [
      'one that somebody deleted, and that was killed for it (C24)',
      build.buildPod('a', {
        phase: 'Failed',
        containerReason: 'Error',
        exitCode: 137,
        deletionTimestamp: build.start,
      }),
      { kind: 'Lost', reason: 'PodDeleted', message: expect.stringContaining('was deleted, and ended with exit code') },
    ],
    [
      'one whose report is cut off',
      build.buildPod('a', { phase: 'Succeeded', containerMessage: '{"version":1,"outcome":"Succ' }),
      { kind: 'Lost', reason: 'CleanerCrashed' },
    ],
  ])('%s', (_title, candidate, end) => {
    expect(podResult(candidate)).toMatchObject(end);
  });
});
