import { expect, it } from 'vitest';
import { Journals } from '../../../scheduler/journal/journals.ts';
import { localKinds } from '../../../scheduler/kinds.ts';
import { BackgroundTasks } from '../../../scheduler/reconcile/background-tasks.ts';
import { reconcile } from '../../../scheduler/reconcile/reconcile.ts';
import { buildNode, buildPolicyObject, start } from '../../helpers/builders.ts';
import { FakeCluster } from '../../helpers/fake-cluster.ts';

it('nodesweep local starts no pod for image lists on Docker Engine, and says why (P7)', async () => {
  const cluster = new FakeCluster();
  const lists = [{ name: 'base', images: ['docker.io/acme/api:1'] }];
  cluster.kinds = localKinds;
  const runtime = { socket: '/var/run/docker.sock', stateDirectory: '/var/lib/docker/nodesweep' };
  cluster.nodes = [buildNode('host', { runtime })];
  cluster.policies = [
    buildPolicyObject({}, { data: { 'prepull.yaml': JSON.stringify({ schedule: '0 * * * *', lists }) } }),
  ];
  cluster.now = start;
  const log = { info: () => {}, warn: () => {}, error: (_: object, message: string) => expect.unreachable(message) };
  const background = new BackgroundTasks(log);
  const context = { cluster, log, journals: new Journals(), background, kinds: localKinds, startTimeoutMs: 60_000 };
  await reconcile(context, 'nightly', start);
  expect(cluster.pods.size).toBe(0);
  expect(cluster.events.at(-1)).toMatchObject({
    reason: 'RunNoEligibleNodes',
    message: expect.stringContaining('host: NodeUnsupported: nodesweep local pulls images with crictl'),
  });
});
