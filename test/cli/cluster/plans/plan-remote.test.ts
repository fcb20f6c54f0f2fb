import { beforeEach, describe, expect, it } from 'vitest';
import { planRemotely } from '../../../../cli/cluster/plans/plan-remote.ts';
import { jobSchema } from '../../../../contract/job.ts';
import type { StoredLedger } from '../../../../scheduler/cluster.ts';
import { runKinds } from '../../../../scheduler/kinds.ts';
import type { PolicyObject } from '../../../../scheduler/objects.ts';
import { parsePolicy } from '../../../../scheduler/policy/parse.ts';
import { statusOf } from '../../../../scheduler/status/status.ts';
import * as build from '../../../helpers/builders.ts';
import { FakePlanCluster } from '../../../helpers/fake-plan-cluster.ts';
import { buildPlanDocument, buildPlannedImage } from '../../../helpers/plans.ts';
import { buildListObject } from '../../../helpers/prepull.ts';

const plan = buildPlanDocument([buildPlannedImage('web')]);
let cluster: FakePlanCluster;

beforeEach(() => {
  cluster = new FakePlanCluster();
  cluster.policies = [build.buildPolicyObject({ images: { exclude: ['**/base'] } })];
  cluster.nodes = [build.buildNode('a')];
  cluster.podLog = `time="2026-03-02" level=warning msg="from crictl"\n${JSON.stringify(plan)}\n`;
});

function ask(request: Partial<Parameters<typeof planRemotely>[0]> = {}, signal = new AbortController().signal) {
  return planRemotely(
    { policy: 'nightly', node: 'a', timeoutSeconds: 1, ...request },
    cluster,
    build.secondsLater(7_200),
    signal,
  );
}

/** The account of a policy of image lists that was asked to purge. */
function ledgerOf(object: PolicyObject, { purgeAt }: { purgeAt?: string }): StoredLedger {
  const parsed = parsePolicy(object.name, object.data, runKinds);
  if (!parsed.valid) throw new Error('the policy is not valid');
  const facts = { policy: parsed, purgeAt, isOfEarlierPolicy: false, runs: [], nodes: [], now: build.start };
  const data = parsed.kind.ledger?.update(undefined, facts) ?? {};
  const { name: policy, uid: policyUid } = object;
  return { policy, policyUid, kind: 'prepull', data, uid: 'ledger', resourceVersion: '1', createdAt: build.start };
}

describe('the plan of a node in the cluster', () => {
  it('is made by a pod on the node now, which is gone afterwards', async () => {
    cluster.states = [{ phase: 'Pending' }, { phase: 'Succeeded', exitCode: 0 }];
    expect(await ask()).toEqual(plan);
    expect(cluster.orders).toHaveLength(1);
    expect(cluster.left.size).toBe(0);
  });

  it('is made by a pod with the same job as the cleaners of a run', async () => {
    cluster.policies = [build.buildPolicyObject({ dryRun: true, images: { protectWorkloads: true } })];
    cluster.boundReferences = ['starting:1'];
    cluster.workloadReferences = ['workload:1'];
    await ask();
    expect(jobSchema.parse(cluster.orders[0]?.job)).toMatchObject({
      policy: 'nightly',
      images: { protectWorkloads: true },
      workloadReferences: ['workload:1'],
    });
    expect(cluster.orders[0]?.needs).toMatchObject({ references: ['starting:1'], prepulled: [] });
  });

  it('mounts the image sets of the policy, and knows their times, as a run does (S6, S7)', async () => {
    cluster.setTimes = new Map([
      ['cve', '2026-03-01T00:00:00.000Z'],
      ['other', '2026-03-01T00:00:00.000Z'],
    ]);
    await ask();
    expect(cluster.orders[0]).toMatchObject({ sets: [] });
    expect(cluster.orders[0]?.job).not.toHaveProperty('setTimes');
    const images = { includeFrom: ['cve'], excludeFrom: ['frozen'], removeFrom: ['cve'] };
    cluster.policies = [build.buildPolicyObject({ images })];
    await ask();
    expect(cluster.orders[1]).toMatchObject({
      sets: ['cve', 'frozen'],
      job: { setTimes: { cve: '2026-03-01T00:00:00.000Z' } },
    });
    expect(Object.keys(cluster.orders[1]?.job.setTimes ?? {})).toEqual(['cve']);
  });

  it('keeps what image lists want on the node, also while their policy is not valid (P11)', async () => {
    const valid = { lists: [{ name: 'base', images: ['acme/api:1'] }] };
    const [nightly] = cluster.policies;
    if (nightly === undefined) throw new Error('there is no policy');
    const object = buildListObject(valid);
    cluster.policies = [nightly, object];
    await ask();
    expect(cluster.orders.at(-1)?.needs.prepulled).toEqual(['docker.io/acme/api:1']);
    const parsed = parsePolicy(object.name, object.data, runKinds);
    const value = statusOf({ object, parsed, runs: [], now: build.start }, undefined);
    cluster.statuses = new Map([['base', { value, resourceVersion: '1' }]]);
    cluster.policies = [nightly, buildListObject({ lists: [] }, { resourceVersion: '2' })];
    await ask();
    expect(cluster.orders.at(-1)?.needs.prepulled).toEqual(['docker.io/acme/api:1']);
    cluster.statuses = new Map([['base', { value: undefined, resourceVersion: '1' }]]);
    await expect(ask()).rejects.toThrow(/policy base is not valid, and the images of its last valid version/);
  });

  it('keeps nothing for image lists after their purge, until they change (P11, P15)', async () => {
    const [nightly] = cluster.policies;
    if (nightly === undefined) throw new Error('there is no policy');
    const lists = [{ name: 'base', images: ['acme/api:1'] }];
    const object = buildListObject({ lists }, { annotations: { 'nodesweep.io/purge-at': 'now' } });
    cluster.policies = [nightly, object];
    cluster.ledgers = new Map([['base', ledgerOf(object, { purgeAt: 'now' })]]);
    await ask();
    expect(cluster.orders.at(-1)?.needs.prepulled).toEqual([]);
    const edited = buildListObject({ lists: [{ name: 'base', images: ['acme/api:2'] }] }, { resourceVersion: '2' });
    cluster.policies = [nightly, edited];
    await ask();
    expect(cluster.orders.at(-1)?.needs.prepulled).toEqual(['docker.io/acme/api:2']);
  });

  it('keeps the images of a purge that cannot be read, as a run does (P11)', async () => {
    const object = buildListObject({ lists: [{ name: 'base', images: ['acme/api:1'] }] });
    cluster.policies = [...cluster.policies, object];
    cluster.ledgers = new Map([['base', { ...ledgerOf(object, {}), data: { 'lists.json': '{' } }]]);
    await ask();
    expect(cluster.orders.at(-1)?.needs.prepulled).toEqual(['docker.io/acme/api:1']);
  });

  describe('says which lists keep an image (P11)', () => {
    const verdicts = [
      { rule: 'Prepulled', keeps: true, message: 'the image kept here by a pre-pull policy' },
      { rule: 'TooYoung', keeps: false, message: 'older than minAge (2m)' },
    ];
    const [kept] = verdicts;
    const api = buildPlannedImage('acme/api:1', {
      decision: 'keep',
      reason: 'Prepulled',
      message: 'the image kept here by a pre-pull policy',
      verdicts,
    });
    const used = { ...api, reason: 'InUse', message: 'used by web' };
    const lists = [
      { name: 'base', images: ['acme/api:1', 'acme/web:1'] },
      { name: 'gpu', images: ['acme/api:1'], nodes: { matchLabels: { pool: 'gpu' } } },
      { name: 'all', images: ['docker.io/acme/api:1'] },
    ];

    beforeEach(() => {
      cluster.podLog = JSON.stringify(buildPlanDocument([api, buildPlannedImage('acme/web:2')]));
      cluster.policies = [...cluster.policies, buildListObject({ lists })];
    });

    it('in the decision and in the verdict of the rule', async () => {
      const message =
        'the image kept here by a pre-pull policy; wanted by list base of policy base and list all of policy base';
      const { images } = await ask();
      expect(images[0]).toMatchObject({ message, verdicts: [{ ...kept, message }, verdicts[1]] });
      expect(images[1]).toEqual(buildPlannedImage('acme/web:2'));
    });

    it('also if a stronger reason keeps it', async () => {
      cluster.podLog = JSON.stringify(buildPlanDocument([used]));
      const { images } = await ask();
      expect(images[0]?.message).toBe('used by web');
      expect(images[0]?.verdicts[0]?.message).toContain('wanted by list base of policy base');
    });

    it('by the last valid version of a policy that is not valid now', async () => {
      const [nightly, object] = cluster.policies;
      if (nightly === undefined || object === undefined) throw new Error('a policy is missing');
      const parsed = parsePolicy(object.name, object.data, runKinds);
      const value = statusOf({ object, parsed, runs: [], now: build.start }, undefined);
      cluster.statuses = new Map([['base', { value, resourceVersion: '1' }]]);
      cluster.policies = [nightly, buildListObject({ lists: [] }, { resourceVersion: '2' })];
      expect((await ask()).images[0]?.message).toMatch(/; wanted by the last valid version of policy base$/);
    });
  });

  it('is made for a node that the policy leaves out too, with a remark', async () => {
    cluster.policies = [build.buildPolicyObject({ nodes: { matchLabels: { pool: 'ci' } } })];
    expect((await ask()).notes).toEqual(["the policy's next run would skip this node: its selector does not match it"]);
    cluster.policies = [build.buildPolicyObject({ nodes: { includeUnschedulable: false } })];
    cluster.nodes = [build.buildNode('a', { unschedulable: true })];
    expect((await ask()).notes).toEqual([expect.stringContaining('the node is cordoned')]);
  });

  it('is made after the leftovers of earlier plans are deleted', async () => {
    cluster.leftovers = ['nodesweep-plan-old'];
    cluster.left.add('nodesweep-plan-old');
    await ask();
    expect(cluster.left.size).toBe(0);
  });
});

describe('there is no plan, and nothing remains,', () => {
  it.each<[what: string, prepare: () => void, message: RegExp]>([
    [
      'of a policy that is not there',
      () => {
        cluster.policies = [build.buildPolicyObject({}, { name: 'ci' })];
      },
      /^there is no policy nightly; the policies in this namespace are: ci$/,
    ],
    [
      'of a policy that is not valid',
      () => {
        cluster.policies = [build.buildPolicyObject({ schedule: '@never', suspend: 1 as never })];
      },
      /^policy nightly is not valid: schedule: unknown descriptor.*; suspend: must be true or false; it is the number 1/,
    ],
    [
      'on a node that is not there',
      () => {
        cluster.nodes = [];
      },
      /^there is no node a; `kubectl get nodes` lists them$/,
    ],
    [
      'on a node that is not ready (C17)',
      () => {
        cluster.nodes = [build.buildNode('a', { ready: false })];
      },
      /^node a is not ready, so no pod can make a plan there$/,
    ],
    [
      'on a node with an unknown runtime',
      () => {
        cluster.nodes = [build.buildNode('a', { runtime: undefined, containerRuntimeVersion: 'rkt://1' })];
      },
      /no socket is known for the runtime "rkt:\/\/1" of node a; name it in the scheduler's NODESWEEP_SOCKETS, and a directory beside its images in NODESWEEP_STATE_DIRECTORIES/,
    ],
    [
      'if the API server refuses the pod',
      () => {
        cluster.fail = (call) => {
          if (call === 'createPlan') throw new Error('could not create pod p on node a: 403: exceeded quota');
        };
      },
      /403: exceeded quota/,
    ],
    [
      'if the image cannot be pulled',
      () => {
        cluster.states = [
          { containerReason: 'ContainerCreating' },
          { containerReason: 'ImagePullBackOff', containerMessage: 'Back-off pulling image "acme/nodesweep:2"' },
        ];
      },
      /^pod nodesweep-plan-\w+ made no plan on node a: ImagePullBackOff: Back-off pulling image "acme\/nodesweep:2"$/,
    ],
    [
      'if the kubelet rejects the pod (C25)',
      () => {
        cluster.states = [{ phase: 'Failed', reason: 'OutOfpods', message: 'Node has no room' }];
      },
      /on node a: OutOfpods: Node has no room$/,
    ],
    [
      'if nodesweep itself fails in it, with its own words as the reason',
      () => {
        cluster.states = [{ phase: 'Failed', exitCode: 2, containerReason: 'Error' }];
        cluster.podLog = 'time="x" level=fatal\nnodesweep: crictl was not found: install crictl\n';
      },
      /on node a: crictl was not found: install crictl$/,
    ],
    [
      'if somebody deletes the pod (C24)',
      () => {
        cluster.states = [{ phase: 'Pending' }, undefined];
      },
      /on node a: it was deleted$/,
    ],
    [
      'if the pod does not start in time, with the newest warning as the reason',
      () => {
        cluster.states = [{ phase: 'Pending' }];
        cluster.trouble = 'FailedMount: /run/x.sock is not a socket';
      },
      /^pod nodesweep-plan-\w+ on node a did not end within 1 s: FailedMount: \/run\/x\.sock is not a socket$/,
    ],
    [
      'if the pod runs another release',
      () => {
        cluster.podLog = JSON.stringify({ ...plan, version: 2 });
      },
      /its log has no plan of version 1 .*use the nodesweep of the scheduler's release/,
    ],
  ])('%s', async (_what, prepare, message) => {
    prepare();
    await expect(ask()).rejects.toThrow(message);
    expect(cluster.left.size).toBe(0);
  });

  it('if it is interrupted', async () => {
    const controller = new AbortController();
    cluster.states = [{ phase: 'Pending' }];
    cluster.fail = (call) => {
      if (call === 'readPod') controller.abort();
    };
    await expect(ask({ timeoutSeconds: 60 }, controller.signal)).rejects.toThrow(/^interrupted; pod \S+ was deleted$/);
    expect(cluster.orders).toHaveLength(1);
    expect(cluster.left.size).toBe(0);
  });
});
