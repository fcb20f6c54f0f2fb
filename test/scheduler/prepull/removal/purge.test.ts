import { describe, expect, it } from 'vitest';
import { buildNode, secondsLater } from '../../../helpers/builders.ts';
import { Killed } from '../../../helpers/fake-cluster.ts';
import { ListScheduler } from '../../../helpers/list-scheduler.ts';

const [api, web] = ['docker.io/acme/api:1', 'docker.io/acme/web:1'];
const both = [{ name: 'base', images: [api, web] }];
const hour = 3600;

/** A scheduler that has given two images to one node. */
async function supplied(): Promise<ListScheduler> {
  const scheduler = new ListScheduler(both);
  scheduler.cluster.nodes = [buildNode('a')];
  await scheduler.finish(0);
  return scheduler;
}

const condition = (scheduler: ListScheduler, type: string) =>
  scheduler.cluster
    .state()
    .statuses.get('nightly')
    ?.value?.conditions?.find((known) => known.type === type);
const pullers = (scheduler: ListScheduler) => scheduler.pods().length - scheduler.cleaners().length;

describe('a purge (C37, P15)', () => {
  it('removes all images of the policy at once, and pulls nothing at any scheduled time or on a new node', async () => {
    const scheduler = await supplied();
    scheduler.annotate('nightly', { 'nodesweep.io/purge-at': 'now' });
    await scheduler.finish(700);
    expect(scheduler.removals()).toEqual([`a: ${api} ${web}`]);
    expect(scheduler.lastRun()).toMatchObject({ trigger: { type: 'Purge' }, phase: 'Succeeded' });
    expect(scheduler.applied()).toEqual({});
    expect(condition(scheduler, 'Purged')).toMatchObject({ status: 'True', reason: 'PurgeRequested' });
    expect(condition(scheduler, 'Present')).toMatchObject({ status: 'False', reason: 'Purged' });
    scheduler.join('b');
    scheduler.restart();
    for (const slot of [1, 2, 3]) await scheduler.finish(slot * hour);
    expect(scheduler.runs().map(({ trigger }) => trigger.type)).toEqual(['Schedule', 'Purge']);
    expect(pullers(scheduler)).toBe(0);
  });

  it('ends when the lists change, and is not done again for the same value', async () => {
    const scheduler = await supplied();
    scheduler.annotate('nightly', { 'nodesweep.io/purge-at': 'now' });
    await scheduler.finish(700);
    scheduler.putLists([{ name: 'base', images: [api] }], {}, '3', { 'nodesweep.io/purge-at': 'now' });
    await scheduler.finish(1400);
    expect(scheduler.applied()).toEqual({ a: [api] });
    expect(condition(scheduler, 'Purged')).toMatchObject({ status: 'False' });
    scheduler.putLists(both, {}, '4', { 'nodesweep.io/purge-at': 'now' });
    await scheduler.finish(hour);
    expect(scheduler.applied()).toEqual({ a: [api, web] });
    expect(scheduler.removals()).toHaveLength(1);
  });

  it('ends when a run is requested, which pulls', async () => {
    const scheduler = await supplied();
    scheduler.annotate('nightly', { 'nodesweep.io/purge-at': 'now' });
    await scheduler.finish(700);
    scheduler.annotate('nightly', { 'nodesweep.io/purge-at': 'now', 'nodesweep.io/run-at': 'again' });
    await scheduler.finish(1400);
    expect(scheduler.lastRun()).toMatchObject({ trigger: { type: 'Request' }, phase: 'Succeeded' });
    expect(scheduler.applied()).toEqual({ a: [api, web] });
    await scheduler.finish(hour);
    expect(scheduler.lastRun()).toMatchObject({ trigger: { type: 'Schedule' }, phase: 'Succeeded' });
  });

  it('keeps what other policies want, protects nothing itself, and tries what is in use again at scheduled times', async () => {
    const scheduler = await supplied();
    scheduler.putPolicy('other', [{ name: 'base', images: [api] }]);
    await scheduler.finish(610);
    scheduler.annotate('nightly', { 'nodesweep.io/purge-at': 'now' });
    await scheduler.finish(1300, () => 'InUse');
    expect(scheduler.removals()).toEqual(Array(5).fill(`a: ${web}`));
    expect(scheduler.applied()).toEqual({ a: [api, web] });
    scheduler.putPolicy('other', [{ name: 'base', images: [web] }], {}, '2');
    await scheduler.finish(hour);
    expect(scheduler.removals().slice(5)).toContain(`a: ${api}`);
    expect(scheduler.removals().slice(5).join()).not.toContain(web);
  });

  it('ends a run that pulls, and a policy that is purged before its first run pulls nothing', async () => {
    const active = new ListScheduler(both);
    await active.pass(secondsLater(0));
    active.annotate('nightly', { 'nodesweep.io/purge-at': 'now' });
    await active.finish(10);
    expect(active.runs().map(({ reason }) => reason)).toEqual(['Replaced', 'Completed']);
    expect(active.applied()).toEqual({});
    const fresh = new ListScheduler(both);
    fresh.annotate('nightly', { 'nodesweep.io/purge-at': 'now' });
    await fresh.finish(0);
    expect([fresh.runs(), fresh.pods()]).toEqual([[], []]);
  });

  it('is done in the end wherever the scheduler is killed, and nothing is pulled again (P19)', async () => {
    const asked = async () => {
      const scheduler = await supplied();
      scheduler.annotate('nightly', { 'nodesweep.io/purge-at': 'now' });
      return scheduler;
    };
    const whole = await asked();
    const before = whole.cluster.writes.length;
    await whole.finish(700);
    for (let kill = before; kill < whole.cluster.writes.length; kill += 1) {
      const scheduler = await asked();
      scheduler.cluster.killBefore = kill;
      await expect(scheduler.finish(700)).rejects.toThrow(Killed);
      scheduler.cluster.killBefore = Number.POSITIVE_INFINITY;
      scheduler.restart();
      await scheduler.finish(1400);
      await scheduler.finish(hour);
      expect(new Set(scheduler.removals())).toEqual(new Set([`a: ${api} ${web}`]));
      expect([scheduler.applied(), pullers(scheduler)]).toEqual([{}, 0]);
    }
  });
});
