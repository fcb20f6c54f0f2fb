import { describe, expect, it } from 'vitest';
import { buildPlanPod } from '../../../../cli/cluster/plans/plan-pod.ts';
import { settingsOfScheduler } from '../../../../cli/cluster/plans/plan-settings.ts';
import { buildPod } from '../../../../scheduler/cleanup/pod.ts';
import * as build from '../../../helpers/builders.ts';

const template = { namespace: 'nodesweep', image: 'acme/nodesweep:1', serviceAccountName: 'cleaner', logLevel: 'info' };
const runtime = { socket: '/run/containerd/containerd.sock', stateDirectory: '/var/lib/containerd/nodesweep' };
const node = { ...build.buildNode('a'), runtime };
const task = {
  name: 'nodesweep-plan-1',
  jobMaps: ['nodesweep-plan-1'],
  references: { bound: ['acme/api:1'], prepulled: [] },
  sets: [],
  timeoutSeconds: 60,
};
const pod = buildPlanPod(task, build.buildPolicyObject(), node, template);

describe('the pod that makes a plan', () => {
  it('works on the node as a cleaner pod does, and removes nothing', () => {
    const cleaner = buildPod({ ...task, run: build.buildRun(), runUid: 'uid', attempt: 0 }, node, template);
    const [container] = pod.spec.containers;
    const [cleanerContainer] = cleaner.spec.containers;
    expect(container?.args[0]).toBe('plan');
    expect({ ...container, args: [] }).toEqual({ ...cleanerContainer, args: [] });
    expect(pod.spec.securityContext).toEqual(cleaner.spec.securityContext);
    expect(pod.spec.volumes.slice(1)).toEqual(cleaner.spec.volumes.slice(1));
  });

  it('gets the pods bound to its node, as a cleaner pod does (H4)', () => {
    const cleaner = buildPod({ ...task, run: build.buildRun(), runUid: 'uid', attempt: 0 }, node, template);
    const told = { 'nodesweep.io/bound-references': expect.any(String) };
    expect(pod.metadata.annotations).toMatchObject(told);
    expect(cleaner.metadata.annotations).toMatchObject(told);
    expect(pod.spec.volumes[0]).toEqual(cleaner.spec.volumes[0]);
  });

  it('is not a pod that the scheduler treats as its own, and can be found', () => {
    expect(pod.metadata.labels).toMatchObject({ 'nodesweep.io/kind': 'plan', 'nodesweep.io/policy': 'nightly' });
  });

  it('ends by itself if nobody waits for it any more, and is deleted with its policy (C31)', () => {
    expect(pod.spec).toMatchObject({ activeDeadlineSeconds: 60, terminationGracePeriodSeconds: 1 });
    expect(pod.metadata.ownerReferences).toMatchObject([{ kind: 'ConfigMap', name: 'nightly', uid: 'uid-1' }]);
  });
});

describe('the pod that makes a plan of a policy with image sets', () => {
  it('mounts the sets that a cleaner pod of the policy mounts (S7)', () => {
    const run = build.buildRun({ images: { includeFrom: ['cve'], excludeFrom: ['frozen'] } });
    const cleaner = buildPod({ ...task, run, runUid: 'uid', attempt: 0 }, node, template);
    const { spec } = buildPlanPod({ ...task, sets: ['cve', 'frozen'] }, build.buildPolicyObject(), node, template);
    expect(spec.volumes.slice(1)).toEqual(cleaner.spec.volumes.slice(1));
    expect(spec.containers[0]?.volumeMounts).toEqual(cleaner.spec.containers[0]?.volumeMounts);
    expect(spec.containers[0]?.args.slice(-2)).toEqual(['--sets', '/etc/nodesweep-sets']);
  });
});

describe('the settings of the scheduler', () => {
  it('are taken from its environment, with its own image if no other is named', () => {
    const environment = { NODESWEEP_SERVICE_ACCOUNT: 'cleaner', NODESWEEP_SOCKETS: '/run/a.sock@pool=gpu' };
    expect(settingsOfScheduler({ image: 'acme/nodesweep:1', args: ['scheduler'], environment })).toMatchObject({
      image: 'acme/nodesweep:1',
      serviceAccount: 'cleaner',
      sockets: [{ path: '/run/a.sock', label: { key: 'pool', value: 'gpu' } }],
    });
  });

  it('are taken from its flags, which take precedence over the environment', () => {
    const args = ['scheduler', '--image=acme/cleaner:2', '--service-account', 'other', '--unknown'];
    const environment = { NODESWEEP_SERVICE_ACCOUNT: 'cleaner' };
    expect(settingsOfScheduler({ image: 'acme/nodesweep:1', args, environment })).toMatchObject({
      image: 'acme/cleaner:2',
      serviceAccount: 'other',
    });
  });
});
