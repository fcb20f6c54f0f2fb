import { expect, it } from 'vitest';
import { buildNode, secondsLater } from '../../../helpers/builders.ts';
import { Killed } from '../../../helpers/fake-cluster.ts';
import { ListScheduler } from '../../../helpers/list-scheduler.ts';
import { ManualScheduler } from '../../../helpers/reconcile.ts';

const [api, web] = ['docker.io/acme/api:1', 'docker.io/acme/web:1'];
const hour = 3600;

/** A scheduler whose policy has given two images to a node, and has just lost one of them. */
async function edited(): Promise<ListScheduler> {
  const scheduler = new ListScheduler([{ name: 'base', images: [api, web] }], { failedRunsHistoryLimit: 0 });
  scheduler.cluster.nodes = [buildNode('a')];
  await scheduler.play(0);
  await scheduler.pass(secondsLater(10));
  scheduler.putLists([{ name: 'base', images: [api] }], { failedRunsHistoryLimit: 0 }, '2');
  return scheduler;
}

/** The refresh: the image is in use for the first cleaner, and is free for the next one. */
async function refresh(scheduler: ListScheduler): Promise<void> {
  for (const seconds of [0, 3, 6, 40, 43, 46, 700]) {
    await scheduler.pass(secondsLater(hour + seconds));
    scheduler.pull();
    scheduler.clean(() => (seconds < 30 ? 'InUse' : 'Removed'));
  }
}

it('a scheduler that is killed before any of its writes and started again removes what left the list, and nothing else (P12, P19)', async () => {
  const whole = await edited();
  const before = whole.cluster.writes.length;
  await refresh(whole);
  const total = whole.cluster.writes.length;
  expect(total - before).toBeGreaterThan(10);
  for (let kill = before; kill < total; kill += 1) {
    const scheduler = await edited();
    scheduler.cluster.killBefore = kill;
    await expect(refresh(scheduler)).rejects.toThrow(Killed);
    scheduler.cluster.killBefore = Number.POSITIVE_INFINITY;
    scheduler.restart();
    await scheduler.finish(hour + 50);
    expect(new Set(scheduler.removals())).toEqual(new Set([`a: ${web}`]));
    expect(scheduler.applied()).toEqual({ a: [api] });
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Succeeded' });
    const created = scheduler.cluster.writes.filter((write) => write.startsWith('createPod'));
    expect(created.length).toBeLessThanOrEqual(5);
  }
}, 300_000);

it('two replicas that see the same edit write one account, and create each cleaner once (P12, P19)', async () => {
  const scheduler = await edited();
  const other = new ManualScheduler(scheduler.cluster);
  for (const seconds of [0, 3, 6, 40, 43, 46]) {
    const now = secondsLater(hour + seconds);
    await Promise.all([scheduler.pass(now), other.pass(now)]);
    scheduler.pull();
    scheduler.clean();
  }
  expect(scheduler.cleaners()).toHaveLength(1);
  expect(scheduler.applied()).toEqual({ a: [api] });
  expect(scheduler.lastRun()).toMatchObject({ phase: 'Succeeded' });
});

it('a pod is not created while the account cannot be written, and comes when it can (P12)', async () => {
  const scheduler = new ListScheduler([{ name: 'base', images: [api] }]);
  scheduler.cluster.fail = (call) => {
    if (call.startsWith('writeLedger')) throw new Error('refused');
  };
  for (const seconds of [0, 10, 20]) await scheduler.pass(secondsLater(seconds));
  expect(scheduler.pods()).toEqual([]);
  expect(scheduler.logged.join()).toContain('refused');
  scheduler.cluster.fail = () => {};
  await scheduler.finish(60);
  expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0']);
  expect(scheduler.applied()).toEqual({ a: [api], b: [api], c: [api] });
});
