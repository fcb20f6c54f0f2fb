import { beforeEach, describe, expect, it } from 'vitest';
import { reconcile } from '../../../scheduler/reconcile/reconcile.ts';
import { secondsLater, start } from '../../helpers/builders.ts';
import type { FakeCluster } from '../../helpers/fake-cluster.ts';
import { ManualScheduler } from '../../helpers/reconcile.ts';

let scheduler: ManualScheduler;
let cluster: FakeCluster;

beforeEach(() => {
  scheduler = new ManualScheduler();
  cluster = scheduler.cluster;
});

describe('concurrencyPolicy', () => {
  it('Forbid starts the latest scheduled time after the active run has ended (C11)', async () => {
    scheduler.edit({ activeDeadlineSeconds: 9000 });
    await scheduler.pass(start);
    await scheduler.pass(secondsLater(3600));
    expect(scheduler.runs()).toHaveLength(1);
    cluster.finishPods();
    await scheduler.pass(secondsLater(3601));
    await scheduler.pass(secondsLater(3602));
    expect(scheduler.runs().map(({ phase }) => phase)).toEqual(['Succeeded', 'Running']);
  });

  it('Allow starts the next run beside the active one (C11)', async () => {
    scheduler.edit({ concurrencyPolicy: 'Allow', activeDeadlineSeconds: 9000 });
    await scheduler.pass(start);
    await scheduler.pass(secondsLater(3600));
    expect(scheduler.runs().map(({ phase }) => phase)).toEqual(['Running', 'Running']);
  });

  it('Replace ends the active run and starts the next one (C11)', async () => {
    scheduler.edit({ concurrencyPolicy: 'Replace', activeDeadlineSeconds: 9000 });
    await scheduler.pass(start);
    await scheduler.pass(secondsLater(3600));
    expect(scheduler.runs().map(({ phase, reason }) => [phase, reason])).toEqual([
      ['Failed', 'Replaced'],
      ['Running', undefined],
    ]);
    expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0']);
  });
});

describe('a run that was started, but is not in the status,', () => {
  it('is not replaced by itself (C10, C11)', async () => {
    scheduler.edit({ concurrencyPolicy: 'Replace' });
    await scheduler.pass(secondsLater(-60));
    let failures = 1;
    cluster.fail = (call) => {
      if (call.startsWith('writeStatus') && failures-- > 0) throw new Error('500');
    };
    for (const seconds of [0, 2, 4]) await scheduler.pass(secondsLater(seconds));
    expect(scheduler.runs().map(({ phase }) => phase)).toEqual(['Running']);
    expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0']);
  });

  it('is not replaced by another replica (C10, C11)', async () => {
    scheduler.edit({ concurrencyPolicy: 'Replace' });
    await scheduler.pass(secondsLater(-60));
    const write = cluster.writeStatus.bind(cluster);
    let isFirst = true;
    cluster.writeStatus = async (object, status) => {
      if (isFirst) {
        isFirst = false;
        await new ManualScheduler(cluster).pass(start);
      }
      return write(object, status);
    };
    for (const seconds of [0, 2]) await scheduler.pass(secondsLater(seconds));
    expect(scheduler.runs().map(({ phase }) => phase)).toEqual(['Running']);
  });
});

describe('Replace leaves exactly one active run (H37)', () => {
  const activeNames = () => scheduler.runs().flatMap(({ name, phase }) => (phase === 'Running' ? [name] : []));

  it('after the write that ends the old run met a conflict', async () => {
    scheduler.edit({ concurrencyPolicy: 'Replace', activeDeadlineSeconds: 90_000 });
    await scheduler.pass(start);
    const update = cluster.updateRun.bind(cluster);
    let conflicts = 1;
    cluster.updateRun = async (run) => (conflicts-- > 0 ? undefined : update(run));
    await scheduler.pass(secondsLater(3600));
    expect(activeNames()).toEqual(['nightly-29540760']);
    for (const seconds of [3602, 3604]) await scheduler.pass(secondsLater(seconds));
    expect(activeNames()).toEqual(['nightly-29540820']);
    expect(scheduler.runs()[0]).toMatchObject({ phase: 'Failed', reason: 'Replaced' });
    expect(new Set([...cluster.pods.values()].map(({ run }) => run))).toEqual(new Set(activeNames()));
  });

  it('before the pods of the old run are deleted (H32)', async () => {
    scheduler.edit({ concurrencyPolicy: 'Replace', activeDeadlineSeconds: 90_000 });
    await scheduler.pass(start);
    const gate = Promise.withResolvers<void>();
    cluster.deletePods = () => gate.promise;
    const context = scheduler.buildContext();
    await reconcile(context, 'nightly', secondsLater(3600));
    expect(activeNames()).toEqual(['nightly-29540820']);
    gate.resolve();
    await context.background.finish();
  });
});
