import { describe, expect, it } from 'vitest';
import { labelValue } from '../../../contract/labels.ts';
import { buildPod } from '../../../scheduler/cleanup/pod.ts';
import { cleanerResult } from '../../../scheduler/cleanup/pod-result.ts';
import { hasEnded, hasStopped } from '../../../scheduler/pods/state.ts';
import { podName, runName } from '../../../scheduler/run/names.ts';
import * as build from '../../helpers/builders.ts';

const template = { namespace: 'nodesweep', image: 'acme/nodesweep:1', serviceAccountName: 'cleaner', logLevel: 'info' };
const runtime = { socket: '/run/containerd/containerd.sock', stateDirectory: '/var/lib/containerd/nodesweep' };
const order = {
  run: build.buildRun(),
  runUid: 'uid',
  attempt: 0,
  references: { bound: ['acme/api:1'], prepulled: [] },
  jobMaps: ['nightly-29540760.job'],
};
const pod = buildPod(order, { ...build.buildNode('a'), runtime }, template);
const [container] = pod.spec.containers;

describe('the cleaner pod', () => {
  it('is bound to its node, and tolerates what the policy tolerates (C15, C16)', () => {
    expect(pod.spec).toMatchObject({
      nodeName: 'a',
      restartPolicy: 'Never',
      tolerations: [{ operator: 'Exists' }],
      activeDeadlineSeconds: 3600,
    });
  });

  it('has no token, no capability, no writable root, and cannot get more privileges', () => {
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

  it('requests no resources explicitly, so that a full node accepts it (H1)', () => {
    expect(container?.resources.requests).toEqual({ cpu: '0', memory: '0' });
  });

  it.each([
    ['no pressure', {}, 'nodesweep-cleaner'],
    ['no pressure, and places left', { freePods: 10 }, 'nodesweep-cleaner'],
    ['disk pressure, and a place left', { diskPressure: true, freePods: 1 }, 'system-node-critical'],
    ['disk pressure, and no place left', { diskPressure: true, freePods: 0 }, 'nodesweep-cleaner'],
    ['disk pressure, and more pods than places', { diskPressure: true, freePods: -1 }, 'nodesweep-cleaner'],
    ['disk pressure, and nobody knows how many places are left', { diskPressure: true }, 'nodesweep-cleaner'],
  ])('on a node with %s has a priority class that ends no other pod: %j, %s (H1, H2)', (_, facts, expected) => {
    const node = { ...build.buildNode('a'), runtime, ...facts };
    expect(buildPod(order, node, template).spec.priorityClassName).toBe(expected);
  });

  it.each([
    ['labels', 'sidecar.istio.io/inject', 'false'],
    ['labels', 'istio.io/dataplane-mode', 'none'],
    ['annotations', 'sidecar.istio.io/inject', 'false'],
    ['annotations', 'linkerd.io/inject', 'disabled'],
    ['annotations', 'consul.hashicorp.com/connect-inject', 'false'],
    ['labels', 'kuma.io/sidecar-injection', 'disabled'],
    ['annotations', 'openservicemesh.io/sidecar-injection', 'disabled'],
    ['annotations', 'appmesh.k8s.aws/sidecarInjectorWebhook', 'disabled'],
    ['annotations', 'dapr.io/enabled', 'false'],
    ['annotations', 'sidecar.opentelemetry.io/inject', 'false'],
    ['labels', 'admission.datadoghq.com/enabled', 'false'],
    ['annotations', 'dynatrace.com/inject', 'false'],
    ['annotations', 'vault.hashicorp.com/agent-inject', 'false'],
  ] as const)('asks injectors not to add a container, in the %s: %s=%s (H11)', (place, key, value) => {
    expect(pod.metadata[place]).toMatchObject({ [key]: value });
  });

  it('does not prevent the scale-down of a node, in spite of its hostPath and its owner', () => {
    expect(pod.metadata.annotations).toMatchObject({ 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' });
    expect(pod.metadata.annotations).not.toHaveProperty('karpenter.sh/do-not-disrupt');
  });

  it('has the labels, annotations, secrets, tolerations, resources and class of the settings, which replace none of its own', () => {
    const own = build.buildRun().name;
    const { metadata, spec } = buildPod(
      order,
      { ...build.buildNode('a'), runtime },
      {
        ...template,
        priorityClassName: 'batch',
        labels: { team: 'infra', 'nodesweep.io/run': 'other' },
        annotations: { cost: '12', 'nodesweep.io/attempt': '7' },
        imagePullSecrets: ['registry'],
        tolerations: [{ key: 'spot', operator: 'Exists' }],
        seLinuxType: 'spc_t',
        requests: { cpu: '5m' },
        limits: { memory: '1Gi' },
      },
    );
    expect(metadata.labels).toMatchObject({ team: 'infra', 'nodesweep.io/run': own });
    expect(metadata.annotations).toMatchObject({ cost: '12', 'nodesweep.io/attempt': '0' });
    expect(spec).toMatchObject({ priorityClassName: 'batch', imagePullSecrets: [{ name: 'registry' }] });
    expect(spec.securityContext).toMatchObject({ runAsUser: 0, seLinuxOptions: { type: 'spc_t' } });
    expect(pod.spec.securityContext).not.toHaveProperty('seLinuxOptions');
    expect(spec.tolerations).toEqual([{ operator: 'Exists' }, { key: 'spot', operator: 'Exists' }]);
    expect(spec.containers[0]?.resources).toEqual({ requests: { cpu: '5m', memory: '0' }, limits: { memory: '1Gi' } });
  });

  it('mounts each image set that its policy names once, read-only, and starts without a set that is missing (S3, S6)', () => {
    const images = { includeFrom: ['cve'], excludeFrom: ['frozen'], removeFrom: ['cve', 'gone.example.com'] };
    const run = build.buildRun({ images });
    const { spec } = buildPod({ ...order, run }, { ...build.buildNode('a'), runtime }, template);
    expect(spec.volumes.slice(3)).toEqual([
      { name: 'set-0', configMap: { name: 'cve', optional: true } },
      { name: 'set-1', configMap: { name: 'frozen', optional: true } },
      { name: 'set-2', configMap: { name: 'gone.example.com', optional: true } },
    ]);
    expect(spec.containers[0]?.volumeMounts.slice(3)).toEqual([
      { name: 'set-0', mountPath: '/etc/nodesweep-sets/cve', readOnly: true },
      { name: 'set-1', mountPath: '/etc/nodesweep-sets/frozen', readOnly: true },
      { name: 'set-2', mountPath: '/etc/nodesweep-sets/gone.example.com', readOnly: true },
    ]);
    expect(spec.containers[0]?.args.slice(-2)).toEqual(['--sets', '/etc/nodesweep-sets']);
  });

  it('is byte for byte the same if its policy names no image sets, as with a version that knows none', () => {
    const { args, volumeMounts, ...others } = container ?? {};
    expect(args).toEqual([
      'clean',
      '--job',
      '/etc/nodesweep/job.json',
      '--state',
      '/var/lib/nodesweep',
      '--report',
      '/dev/termination-log',
    ]);
    expect(volumeMounts?.map(({ name }) => name)).toEqual(['job', 'state', 'socket']);
    expect(Object.keys(others)).toEqual(['name', 'image', 'imagePullPolicy', 'env', 'resources', 'securityContext']);
  });

  it('mounts the socket, its own state directory and its job, and nothing else', () => {
    expect(pod.spec.volumes).toEqual([
      {
        name: 'job',
        projected: {
          sources: [
            { configMap: { name: 'nightly-29540760.job' } },
            { downwardAPI: { items: [expect.anything(), expect.anything()] } },
          ],
        },
      },
      { name: 'state', hostPath: { path: runtime.stateDirectory, type: 'DirectoryOrCreate' } },
      { name: 'socket', hostPath: { path: runtime.socket, type: 'Socket' } },
    ]);
  });

  it.each([
    ['/var/run/docker.sock', '/run/nodesweep/docker.sock'],
    ['/run/user/1000/docker.sock', '/run/nodesweep/docker.sock'],
    ['/run/cri-dockerd.sock', '/run/nodesweep/runtime.sock'],
    ['/run/crio/crio.sock', '/run/nodesweep/runtime.sock'],
  ])('mounts the %s of the node as %s, by which the cleaner recognises Docker Engine', (socket, mountPath) => {
    const [cleaner] = buildPod(order, { ...build.buildNode('a'), runtime: { ...runtime, socket } }, template).spec
      .containers;
    expect(cleaner?.volumeMounts).toContainEqual({ name: 'socket', mountPath });
    expect(cleaner?.env).toContainEqual({ name: 'CONTAINER_RUNTIME_ENDPOINT', value: `unix://${mountPath}` });
  });

  it('belongs to the record of its run, so that it is deleted with it (C31)', () => {
    expect(pod.metadata.ownerReferences).toMatchObject([
      { kind: 'ConfigMap', name: 'nightly-29540760.run', uid: 'uid' },
    ]);
  });

  it('has a valid name for the longest policy name, and another one for each run, node and attempt (C14)', () => {
    const run = runName('p'.repeat(52), { type: 'Schedule', slot: build.start });
    const request = runName('p'.repeat(52), { type: 'Request', request: 'x' });
    const names = [podName(run, 'a', 0), podName(run, 'a', 1), podName(run, 'b', 0), podName(request, 'a', 0)];
    expect(new Set(names).size).toBe(4);
    for (const name of names) expect(name).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])$/);
    for (const name of [run, request]) expect(name.length).toBeLessThanOrEqual(63);
    expect(podName(run, 'a', 0)).toBe(podName(run, 'a', 0));
  });

  it('has the name of its node as a label, shortened if it is too long', () => {
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
    ['one with a report', build.buildReportedPod('a'), { kind: 'Done', result: 'Succeeded', tally: { removed: 3 } }],
    [
      'one that was evicted',
      build.buildPod('a', { phase: 'Failed', reason: 'Evicted' }),
      { kind: 'NotDone', reason: 'Evicted' },
    ],
    [
      'one that the kubelet rejected',
      build.buildPod('a', { phase: 'Failed', reason: 'OutOfpods' }),
      { kind: 'Rejected' },
    ],
    [
      'one that the kubelet rejected under disk pressure (H3)',
      build.buildPod('a', {
        phase: 'Failed',
        reason: 'Evicted',
        message: 'Pod was rejected: The node had condition: [DiskPressure]. ',
      }),
      { kind: 'Rejected' },
    ],
    [
      'a critical one that would have had to end critical ones (H3)',
      build.buildPod('a', {
        phase: 'Failed',
        reason: 'UnexpectedAdmissionError',
        message:
          'Pod was rejected: Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [(res: pods, q: 1), ]',
      }),
      { kind: 'Rejected' },
    ],
    [
      'one that the kubelet rejected for another reason',
      build.buildPod('a', { phase: 'Failed', reason: 'NodeAffinity', message: 'Predicate NodeAffinity failed' }),
      { kind: 'NotDone', reason: 'NodeAffinity' },
    ],
    [
      'one beside which another container runs on (H11)',
      build.buildReportedPod('a', {}, { phase: 'Running' }),
      { kind: 'Done', result: 'Succeeded', tally: { removed: 3 } },
    ],
    [
      'one that ended well, while a container beside it failed (H11)',
      build.buildReportedPod('a', {}, { phase: 'Failed' }),
      { kind: 'Done', result: 'Succeeded', tally: { removed: 3 } },
    ],
    [
      'one that ran out of memory',
      build.buildPod('a', { phase: 'Failed', containerReason: 'OOMKilled', exitCode: 137 }),
      { kind: 'NotDone', reason: 'OutOfMemory' },
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
        kind: 'NotDone',
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
      {
        kind: 'NotDone',
        reason: 'PodDeleted',
        message: expect.stringContaining('was deleted, and ended with exit code'),
      },
    ],
    [
      'one whose report is cut off',
      build.buildPod('a', { phase: 'Succeeded', containerMessage: '{"version":1,"outcome":"Succ' }),
      { kind: 'NotDone', reason: 'CleanerCrashed' },
    ],
  ])('%s', (_title, candidate, end) => {
    expect(cleanerResult(candidate)).toMatchObject(end);
  });
});

it('a cleaner has ended when its container has, but its pod has stopped only when all containers have (H11)', () => {
  const beside = build.buildReportedPod('a', {}, { phase: 'Running' });
  expect([hasEnded(beside), hasStopped(beside)]).toEqual([true, false]);
  expect([hasEnded(build.buildPod('a')), hasStopped(build.buildReportedPod('a'))]).toEqual([false, true]);
});
