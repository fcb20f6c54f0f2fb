import { beforeEach, describe, expect, it } from 'vitest';
import type { CleanupDocument } from '../../../scheduler/cleanup/policy.ts';
import { buildNode, secondsLater, start } from '../../helpers/builders.ts';
import { type FakeCluster, Killed } from '../../helpers/fake-cluster.ts';
import { ManualScheduler } from '../../helpers/reconcile.ts';

let scheduler: ManualScheduler;
let cluster: FakeCluster;

beforeEach(() => {
  scheduler = new ManualScheduler();
  cluster = scheduler.cluster;
});

describe('disk pressure', () => {
  const pressedNode = (name: string) =>
    buildNode(name, {
      diskPressure: true,
      taints: [{ key: 'node.kubernetes.io/disk-pressure', effect: 'NoSchedule' }],
    });
  const policyUnderPressure = (document: Partial<CleanupDocument> = {}) =>
    scheduler.edit({ schedule: '0 0 1 1 *', disk: { onPressure: true }, nodes: { tolerations: [] }, ...document });

  it('starts one run on the nodes that have it, once in ten minutes, also with two schedulers and after a restart (C10)', async () => {
    policyUnderPressure();
    await scheduler.pass(start);
    expect(scheduler.runs()).toEqual([]);
    cluster.nodes = [pressedNode('a'), buildNode('b'), buildNode('c')];
    await Promise.all([scheduler.pass(secondsLater(7)), new ManualScheduler(cluster).pass(secondsLater(7))]);
    expect(scheduler.pods()).toEqual(['a#0']);
    cluster.finishPods();
    scheduler.restart();
    await scheduler.pass(secondsLater(12));
    expect(scheduler.runs()).toMatchObject([
      { phase: 'Succeeded', message: '1 of 1 nodes cleaned', trigger: { type: 'Pressure' } },
    ]);
    expect((await scheduler.pass(secondsLater(15)))?.getTime()).toBeLessThanOrEqual(secondsLater(607).getTime());
    await scheduler.pass(secondsLater(606));
    expect(scheduler.runs()).toHaveLength(1);
    await scheduler.pass(secondsLater(607));
    expect(scheduler.runs()).toHaveLength(2);
  });

  it('leads to a run that is in the status, also when the scheduler was killed before it wrote the status (C10)', async () => {
    policyUnderPressure();
    await scheduler.pass(secondsLater(-1));
    cluster.nodes = [pressedNode('a')];
    cluster.fail = (call) => {
      if (call.startsWith('writeStatus') && cluster.records.size > 0) throw new Killed();
    };
    await expect(scheduler.pass(start)).rejects.toThrow(Killed);
    cluster.fail = () => {};
    cluster.nodes = [buildNode('a')];
    scheduler.restart();
    await scheduler.pass(secondsLater(5));
    expect(cluster.state().statuses.get('nightly')?.value).toMatchObject({
      lastStart: start,
      lastRun: scheduler.runs()[0]?.name,
    });
  });

  it('includes a node that gets it while the run is active (C20)', async () => {
    policyUnderPressure();
    cluster.nodes = [pressedNode('a'), buildNode('b')];
    await scheduler.pass(start);
    cluster.nodes = [pressedNode('a'), pressedNode('b')];
    await scheduler.pass(secondsLater(5));
    expect(scheduler.pods()).toEqual(['a#0', 'b#0']);
  });

  it.each([
    ['Forbid', 1],
    ['Replace', 1],
    ['Allow', 2],
  ] as const)('with concurrencyPolicy %s leads to %i active runs (C11)', async (concurrencyPolicy, count) => {
    policyUnderPressure({ schedule: '0 * * * *', concurrencyPolicy });
    await scheduler.pass(start);
    cluster.nodes = [pressedNode('a'), buildNode('b'), buildNode('c')];
    await scheduler.pass(secondsLater(900));
    expect(scheduler.runs().filter(({ phase }) => phase === 'Running')).toHaveLength(count);
  });

  it('is not in the job of the cleaners, which has the thresholds alone', async () => {
    policyUnderPressure({ disk: { onPressure: true, highPercent: 85, lowPercent: 80 } });
    cluster.nodes = [pressedNode('a')];
    await scheduler.pass(start);
    expect([...cluster.jobs.values()]).toMatchObject([{ disk: { highPercent: 85, lowPercent: 80 } }]);
    expect([...cluster.jobs.values()][0]).not.toHaveProperty('disk.onPressure');
  });
});
