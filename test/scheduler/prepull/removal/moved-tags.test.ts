import { describe, expect, it } from 'vitest';
import type { PrepullDocument } from '../../../../scheduler/prepull/policy.ts';
import { buildNode, secondsLater } from '../../../helpers/builders.ts';
import { Killed } from '../../../helpers/fake-cluster.ts';
import { ListScheduler } from '../../../helpers/list-scheduler.ts';
import { type Digests, fixedDigest } from '../../../helpers/node-that-pulls.ts';
import { state } from '../../../helpers/pullers.ts';

const [repository, other] = ['docker.io/acme/api', 'docker.io/acme/web'] as const;
const [api, next, web] = [`${repository}:1`, `${repository}:2`, `${other}:1`] as const;
const hour = 3600;

/** The digest of an image after its tag has moved so many times. */
const digestOf = (image: string, moves: number) => fixedDigest(moves === 0 ? image : `${image} moved ${moves}`);
const versionOf = (image: string, moves: number) => `${image.split(':')[0]}@${digestOf(image, moves)}`;

/** A scheduler that has given the images to one node. The tags move with {@link move}. */
async function supplied(
  list: Partial<PrepullDocument['lists'][number]> = {},
  document: Partial<PrepullDocument> = {},
  digests: Digests = fixedDigest,
) {
  const lists = [{ name: 'base', images: [api, web], imagePullPolicy: 'Always' as const, ...list }];
  const scheduler = new ListScheduler(lists, document);
  scheduler.cluster.nodes = [buildNode('a')];
  scheduler.digestOf = digests;
  await scheduler.play(0);
  await scheduler.pass(secondsLater(10));
  return scheduler;
}

function move(scheduler: ListScheduler, moves: number, images: readonly string[] = [api]): void {
  scheduler.digestOf = (image) => digestOf(image, images.includes(image) ? moves : 0);
}

describe('the version before of a tag that has moved (P8)', () => {
  it('goes at the refresh that has pulled the new one, by a cleaner that is told its digest and nothing else', async () => {
    const scheduler = await supplied();
    move(scheduler, 1);
    await scheduler.finish(hour);
    expect(scheduler.removals()).toEqual([`a: ${versionOf(api, 0)}`]);
    const [cleaner] = scheduler.cleaners();
    expect(scheduler.cluster.told.get(cleaner?.name ?? '')).toMatchObject({ prepulled: [api, web] });
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Succeeded' });
    expect(scheduler.cluster.events.at(-1)?.message).toContain('2 of 2 images present, 1 removed');
    expect(scheduler.versions()).toEqual({ a: [versionOf(web, 0)] });
    await scheduler.finish(2 * hour);
    expect(scheduler.removals()).toHaveLength(1);
  });

  it('is on account before the pod exists that may replace it, and only once', async () => {
    const scheduler = await supplied();
    const before = scheduler.cluster.writes.length;
    for (const refresh of [1, 2, 3]) await scheduler.finish(refresh * hour);
    const writes = scheduler.cluster.writes.slice(before).filter((write) => /^(writeLedger|createPod)/.test(write));
    expect(writes).toEqual(['writeLedger nightly', 'createPod a#0', 'createPod a#0', 'createPod a#0']);
    expect(scheduler.removals()).toEqual([]);
  });

  it('that is in use is tried again at the next refresh, also when the tag has moved on', async () => {
    const scheduler = await supplied();
    move(scheduler, 1);
    await scheduler.finish(hour, () => 'InUse');
    expect(scheduler.lastRun()?.nodes.get('a')).toMatchObject({
      result: 'Succeeded',
      reason: 'ImagesInUse',
      message: `${versionOf(api, 0)} is to be removed and is still in use; the next refresh tries again`,
    });
    const before = scheduler.removals().length;
    move(scheduler, 2);
    await scheduler.finish(2 * hour);
    expect(scheduler.removals().slice(before)).toEqual([`a: ${versionOf(api, 0)} ${versionOf(api, 1)}`]);
    expect(scheduler.versions()).toEqual({ a: [versionOf(web, 0)] });
  });

  it('stays if the tag has moved back to it, and the one between goes', async () => {
    const scheduler = await supplied();
    move(scheduler, 1);
    await scheduler.finish(hour, () => 'InUse');
    const before = scheduler.removals().length;
    move(scheduler, 0);
    await scheduler.finish(2 * hour);
    expect(scheduler.removals().slice(before)).toEqual([`a: ${versionOf(api, 1)}`]);
  });

  it('stays while it is not known that no other wanted tag of its repository means it', async () => {
    const scheduler = await supplied({ images: [api, next] }, {}, () => digestOf(api, 0));
    scheduler.digestOf = (image) => (image === next ? digestOf(api, 0) : digestOf(api, 1));
    await scheduler.finish(2 * hour);
    expect(scheduler.removals()).toEqual([]);
    scheduler.digestOf = () => digestOf(api, 1);
    await scheduler.finish(3 * hour);
    expect(scheduler.removals()).toEqual([`a: ${versionOf(api, 0)}`]);
  });

  it('stays while a list of any policy wants its digest', async () => {
    const scheduler = await supplied();
    scheduler.putPolicy('pinned', [{ name: 'base', images: [versionOf(api, 0)] }]);
    move(scheduler, 1);
    await scheduler.finish(hour);
    expect(scheduler.removals()).toEqual([]);
    scheduler.deletePolicy('pinned');
    scheduler.cluster.ledgers.delete('pinned');
    await scheduler.finish(2 * hour);
    expect(scheduler.removals()).toEqual([`a: ${versionOf(api, 0)}`]);
  });

  it('stays while an image cannot be pulled, and goes at the next refresh', async () => {
    const scheduler = await supplied({}, { imagePullTimeoutSeconds: 60 });
    move(scheduler, 1);
    await scheduler.play(hour, { [web]: state.denied });
    for (const seconds of [62, 65, 70, 80]) await scheduler.pass(secondsLater(hour + seconds));
    await scheduler.finish(hour + 90);
    expect(scheduler.removals()).toEqual([]);
    await scheduler.finish(2 * hour);
    expect(scheduler.removals()).toEqual([`a: ${versionOf(api, 0)}`]);
  });

  it('stays if the image is pulled only if it is absent, and with removalPolicy Retain', async () => {
    for (const [list, document] of [
      [{ imagePullPolicy: 'IfNotPresent' as const }, {}],
      [{}, { removalPolicy: 'Retain' as const }],
    ] as const) {
      const scheduler = await supplied(list, document);
      move(scheduler, 1);
      await scheduler.finish(hour);
      await scheduler.finish(2 * hour);
      expect(scheduler.removals()).toEqual([]);
      expect(scheduler.versions()).toEqual({});
    }
  });

  it('goes with all images in a purge, and counts once with its tag', async () => {
    const scheduler = await supplied();
    await scheduler.finish(hour);
    scheduler.annotate('nightly', { 'nodesweep.io/purge-at': 'now' });
    await scheduler.finish(hour + 1200);
    expect(scheduler.removals()).toEqual([`a: ${[api, web, versionOf(api, 0), versionOf(web, 0)].join(' ')}`]);
    expect(scheduler.cluster.events.at(-1)?.message).toContain('2 removed');
  });

  it('is found also without history of runs', async () => {
    const document = { successfulRunsHistoryLimit: 0, failedRunsHistoryLimit: 0, newNodes: false };
    const scheduler = await supplied({}, document);
    await scheduler.pass(secondsLater(hour - 60));
    expect(scheduler.runs()).toHaveLength(1);
    move(scheduler, 1);
    await scheduler.finish(hour);
    expect(scheduler.removals()).toEqual([`a: ${versionOf(api, 0)}`]);
    await scheduler.pass(secondsLater(2 * hour - 60));
    expect(scheduler.runs()).toHaveLength(1);
  });
});

it('a scheduler that is killed before any of its writes removes the version before, and nothing else (P8, P19)', async () => {
  const refresh = async (scheduler: ListScheduler) => {
    for (const seconds of [0, 3, 6, 40, 43, 46, 700]) {
      await scheduler.pass(secondsLater(hour + seconds));
      scheduler.pull();
      scheduler.clean(() => (seconds < 30 ? 'InUse' : 'Removed'));
    }
  };
  const moved = async () => {
    const scheduler = await supplied();
    move(scheduler, 1);
    return scheduler;
  };
  const whole = await moved();
  const before = whole.cluster.writes.length;
  await refresh(whole);
  const total = whole.cluster.writes.length;
  expect(total - before).toBeGreaterThan(10);
  for (let kill = before; kill < total; kill += 1) {
    const scheduler = await moved();
    scheduler.cluster.killBefore = kill;
    await expect(refresh(scheduler)).rejects.toThrow(Killed);
    scheduler.cluster.killBefore = Number.POSITIVE_INFINITY;
    scheduler.restart();
    await scheduler.finish(hour + 50);
    expect(new Set(scheduler.removals())).toEqual(new Set([`a: ${versionOf(api, 0)}`]));
    expect(scheduler.applied()).toEqual({ a: [api, web] });
    expect(scheduler.versions()).toEqual({ a: [versionOf(web, 0)] });
  }
}, 300_000);
