import { describe, expect, it } from 'vitest';
import type { PrepullDocument } from '../../../../scheduler/prepull/policy.ts';
import { buildNode, secondsLater, start } from '../../../helpers/builders.ts';
import { Killed } from '../../../helpers/fake-cluster.ts';
import { ListScheduler } from '../../../helpers/list-scheduler.ts';
import { askedOf, refuseOn } from '../../../helpers/node-that-pulls.ts';
import { state } from '../../../helpers/pullers.ts';

const [api, web, db] = ['docker.io/acme/api:1', 'docker.io/acme/web:1', 'docker.io/acme/db:1'] as const;
const both = { name: 'base', images: [api, web] };
const onlyApi = { name: 'base', images: [api] };
const hour = 3600;

/** A scheduler that has given both images to one node, or to several. */
async function supplied(
  lists: PrepullDocument['lists'] = [both],
  document: Partial<PrepullDocument> = {},
  nodes = ['a'],
): Promise<ListScheduler> {
  const scheduler = new ListScheduler(lists, document);
  scheduler.cluster.nodes = nodes.map((name) => buildNode(name));
  await scheduler.play(0);
  return scheduler;
}

describe('on a node whose disk is too full for pulls (P12, P16)', () => {
  /** A scheduler whose node has both images, and finds its disk too full in the run after one of them has left the list. */
  async function refused(document: Partial<PrepullDocument> = {}): Promise<ListScheduler> {
    const scheduler = await supplied([both], document);
    scheduler.putLists([onlyApi], document, '2');
    await scheduler.pass(secondsLater(hour));
    refuseOn(scheduler.cluster, 'a');
    await scheduler.pass(secondsLater(hour + 3));
    return scheduler;
  }
  const skipped = {
    result: 'Skipped',
    reason: 'DiskTooFull',
    message: expect.stringMatching(/81 % full.*nothing was pulled/),
  };

  it('what has left the list goes all the same, once a pod that pulls nothing holds what stays', async () => {
    const scheduler = await refused();
    expect(askedOf(scheduler.cluster, 'a')).toMatchObject({ images: [api], policies: ['Never'] });
    expect(scheduler.removals()).toEqual([]);
    await scheduler.finish(hour + 6);
    expect(scheduler.removals()).toEqual([`a: ${web}`]);
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Failed', reason: 'NoEligibleNodes' });
    const progress = scheduler.lastRun()?.nodes.get('a');
    expect(progress).toMatchObject(skipped);
    expect(progress).toMatchObject({ message: expect.stringContaining('do not want there any more (1)') });
    expect(scheduler.applied()).toEqual({ a: [api] });
    const [first, ...others] = [...scheduler.cluster.pods.values()].filter(
      ({ kind, phase }) => kind === 'puller' && phase === 'Succeeded',
    );
    expect([first?.run, others]).toEqual([scheduler.lastRun()?.name, []]);
  });

  it('what has left the list goes at once where nothing is held', async () => {
    const scheduler = await refused({ hold: false });
    expect(scheduler.removals()).toEqual([`a: ${web}`]);
    await scheduler.finish(hour + 6);
    expect(scheduler.lastRun()?.nodes.get('a')).toMatchObject(skipped);
    expect(scheduler.applied()).toEqual({ a: [api] });
  });

  it.each([
    ['is not there', state.absent],
    ['was pulled with other credentials', state.refused],
  ])('nothing goes if an image that stays %s, because then only the older pod may hold it (P10)', async (_, found) => {
    const scheduler = await refused();
    scheduler.pull({ [api]: found });
    await scheduler.finish(hour + 6);
    expect(scheduler.removals()).toEqual([]);
    expect(scheduler.lastRun()?.nodes.get('a')).toMatchObject(skipped);
    expect(scheduler.applied()).toEqual({ a: [api, web] });
    const [first] = scheduler.runs();
    const holders = [...scheduler.cluster.pods.values()].filter(
      ({ deletionTimestamp }) => deletionTimestamp === undefined,
    );
    expect(holders.map(({ run }) => run)).toEqual([first?.name]);
  });

  it('the run goes on after a restart, and the next one pulls what the disk then has room for', async () => {
    const scheduler = await refused();
    scheduler.restart();
    await scheduler.finish(hour + 10);
    expect(scheduler.removals()).toEqual([`a: ${web}`]);
    await scheduler.finish(2 * hour);
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Succeeded' });
    expect(scheduler.removals()).toHaveLength(1);
  });
});

describe('an image that leaves a list (P12)', () => {
  it('is on account before the pod exists that pulls it, in one write for all nodes', async () => {
    const scheduler = new ListScheduler([both]);
    await scheduler.pass(start);
    const writes = scheduler.cluster.writes.filter((write) => /^(writeLedger|createPod)/.test(write));
    expect(writes).toEqual(['writeLedger nightly', 'createPod a#0', 'createPod b#0', 'createPod c#0']);
    expect(scheduler.applied()).toEqual({ a: [api, web], b: [api, web], c: [api, web] });
    await scheduler.finish(3);
    await scheduler.finish(hour);
    expect(scheduler.cluster.writes.filter((write) => write.startsWith('writeLedger'))).toHaveLength(1);
    expect(scheduler.removals()).toEqual([]);
  });

  it('goes at the next refresh, by one cleaner after the puller, which is told nothing else (C38)', async () => {
    const scheduler = await supplied();
    scheduler.putLists([onlyApi], {}, '2');
    await scheduler.finish(60);
    expect(scheduler.removals()).toEqual([]);
    await scheduler.finish(hour);
    expect(scheduler.removals()).toEqual([`a: ${web}`]);
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Succeeded', reason: 'Completed' });
    expect(scheduler.applied()).toEqual({ a: [api] });
    const [cleaner] = scheduler.cleaners();
    expect(scheduler.cluster.told.get(cleaner?.name ?? '')).toMatchObject({ prepulled: [api], due: [web] });
    expect(scheduler.cluster.events.at(-1)?.message).toContain('1 of 1 images present, 1 removed');
    await scheduler.finish(2 * hour);
    expect(scheduler.removals()).toHaveLength(1);
  });

  it('stays on another machine that has the name of a node, and goes from the same one that comes back (P12)', async () => {
    const scheduler = await supplied([both], {}, []);
    const machine = (name: string, systemUuid: string | undefined) => ({ ...buildNode(name), systemUuid });
    scheduler.cluster.nodes = [machine('a', 'old'), machine('b', 'same'), machine('c', undefined)];
    await scheduler.finish(5);
    expect(Object.keys(scheduler.applied())).toEqual(['a', 'b', 'c']);
    scheduler.putLists([onlyApi], {}, '2');
    scheduler.cluster.nodes = [machine('a', 'new'), machine('b', 'same'), machine('c', undefined)];
    await scheduler.finish(hour);
    expect(scheduler.removals().toSorted()).toEqual([`b: ${web}`, `c: ${web}`]);
    expect(scheduler.applied()).toEqual({ a: [api], b: [api], c: [api] });
  });

  it('is removed only after the older pod that held it is deleted, and while the new one holds the others', async () => {
    const scheduler = await supplied();
    scheduler.putLists([onlyApi], {}, '2');
    await scheduler.play(hour);
    await scheduler.pass(secondsLater(hour + 6));
    const writes = scheduler.cluster.writes.filter((write) => /Pod/.test(write));
    expect(writes).toEqual(['createPod a#0', 'createPod a#0', 'deletePod a', 'createPod a#1']);
    expect([...scheduler.cluster.pods.values()].map(({ kind }) => kind)).toEqual(['puller', 'cleaner']);
  });

  it('that is in use is tried again after 30 s, at most four times, and again at the next refresh', async () => {
    const scheduler = await supplied();
    scheduler.putLists([onlyApi], {}, '2');
    await scheduler.finish(hour, () => 'InUse');
    expect(scheduler.removals()).toEqual(Array(5).fill(`a: ${web}`));
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Succeeded' });
    expect(scheduler.lastRun()?.nodes.get('a')).toMatchObject({
      result: 'Succeeded',
      reason: 'ImagesInUse',
      message: `${web} is to be removed and is still in use; the next refresh tries again`,
    });
    expect(scheduler.applied()).toEqual({ a: [api, web] });
    await scheduler.finish(2 * hour);
    expect(scheduler.removals()).toHaveLength(6);
    expect(scheduler.applied()).toEqual({ a: [api] });
  });

  it('goes when it is free again within the run', async () => {
    const scheduler = await supplied();
    scheduler.putLists([onlyApi], {}, '2');
    let looks = 0;
    await scheduler.finish(hour, () => (++looks < 3 ? 'InUse' : 'Removed'));
    expect(scheduler.removals()).toHaveLength(3);
    expect(scheduler.lastRun()?.nodes.get('a')).toMatchObject({ result: 'Succeeded', reason: undefined });
    expect(scheduler.applied()).toEqual({ a: [api] });
  });

  it('that cannot be removed fails the node, and stays on account', async () => {
    const scheduler = await supplied();
    scheduler.putLists([onlyApi], {}, '2');
    await scheduler.finish(hour, () => 'Failed');
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Failed', reason: 'NodesFailed' });
    expect(scheduler.lastRun()?.nodes.get('a')).toMatchObject({ reason: 'RemovalsFailed' });
    expect(scheduler.applied()).toEqual({ a: [api, web] });
  });

  it('stays on account while nobody knows what became of it: the cleaner crashed, or its report has less', async () => {
    for (const end of ['Unknown', 'Kept:Pinned'] as const) {
      const scheduler = await supplied();
      scheduler.putLists([onlyApi], {}, '2');
      await scheduler.finish(hour, () => end);
      expect(scheduler.removals()).toHaveLength(1);
      expect(scheduler.applied()).toEqual({ a: [api, web] });
    }
  });

  it('that is kept for a reason that lasts costs a cleaner once a day, or after an edit', async () => {
    const scheduler = await supplied([both], { schedule: '0 */8 * * *' });
    scheduler.putLists([onlyApi], { schedule: '0 */8 * * *' }, '2');
    for (const refresh of [8, 16, 24]) await scheduler.finish(refresh * hour, () => 'Kept:Pinned');
    expect(scheduler.removals()).toEqual([`a: ${web}`]);
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Succeeded' });
    expect(scheduler.pods().filter((pod) => pod.startsWith('a#1'))).toEqual([]);
    for (const refresh of [32, 40]) await scheduler.finish(refresh * hour, () => 'Kept:Pinned');
    expect(scheduler.removals()).toEqual([`a: ${web}`, `a: ${web}`]);
    scheduler.putLists([{ ...onlyApi, name: 'edited' }], { schedule: '0 */8 * * *' }, '3');
    await scheduler.finish(48 * hour);
    expect(scheduler.removals()).toHaveLength(3);
    expect(scheduler.applied()).toEqual({ a: [api] });
  });

  it('stays while an image that is pulled at each refresh could not be pulled again (P8)', async () => {
    const list = { name: 'base', images: [api, web], imagePullPolicy: 'Always' as const };
    const scheduler = await supplied([list]);
    scheduler.putLists([{ ...list, images: [api] }], { imagePullTimeoutSeconds: 60 }, '2');
    await scheduler.play(hour, { [api]: state.denied });
    // A further pod finds the image on the node.
    for (const seconds of [62, 65, 70, 80]) await scheduler.play(hour + seconds);
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Failed' });
    expect(scheduler.removals()).toEqual([]);
    // It holds that image, so the older pod, which held both, has gone.
    expect(scheduler.pods()).toEqual(['a#1']);
    expect(scheduler.applied()).toEqual({ a: [api, web] });
  });

  it('and comes back before the refresh is not removed', async () => {
    const scheduler = await supplied();
    scheduler.putLists([onlyApi], {}, '2');
    await scheduler.finish(60);
    scheduler.putLists([both], {}, '3');
    await scheduler.finish(hour);
    expect(scheduler.removals()).toEqual([]);
  });

  it('and comes back while its cleaner is about to be created is not named any more', async () => {
    const scheduler = await supplied();
    scheduler.putLists([onlyApi], {}, '2');
    scheduler.cluster.fail = (call) => {
      if (call === 'createPod a#1') throw new Error('refused');
    };
    await scheduler.play(hour);
    scheduler.putLists([both], {}, '3');
    scheduler.cluster.fail = () => {};
    await scheduler.finish(hour + 20);
    expect(scheduler.removals()).toEqual(['a: ']);
    expect(scheduler.applied()).toEqual({ a: [api, web] });
  });
});

describe('a node that no list selects any more (P12)', () => {
  const pool = { name: 'base', images: [api], nodes: { matchLabels: { pool: 'x' } } };

  it('is visited by the next refresh, only to remove, also if it is cordoned', async () => {
    const scheduler = await supplied([both, { ...pool, name: 'more', images: [db] }], {}, []);
    scheduler.join('a', { labels: { pool: 'x' } });
    scheduler.join('b', { labels: { pool: 'x' } });
    scheduler.putLists([pool], {}, '2');
    await scheduler.finish(hour);
    expect(scheduler.applied()).toEqual({ a: [api], b: [api] });
    scheduler.join('b', { unschedulable: true });
    await scheduler.finish(2 * hour);
    expect(scheduler.removals()).toEqual([`b: ${api}`]);
    expect(scheduler.lastRun()?.nodes.get('b')).toMatchObject({ result: 'Succeeded' });
    expect(scheduler.applied()).toEqual({ a: [api] });
    expect(scheduler.pods().filter((pod) => pod.startsWith('b'))).toEqual(['b#0']);
  });

  it('starts no run by itself, and is no matching node (P7)', async () => {
    const scheduler = await supplied([pool], {}, []);
    scheduler.join('a', { labels: { pool: 'x' } });
    await scheduler.finish(hour);
    scheduler.join('a');
    await scheduler.finish(hour + 300);
    expect(scheduler.removals()).toEqual([]);
    await scheduler.finish(2 * hour);
    expect(scheduler.removals()).toEqual([`a: ${api}`]);
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Failed', reason: 'NoMatchingNodes' });
  });

  it('whose runtime cannot be reached keeps its images, and is told as such', async () => {
    const scheduler = await supplied([pool], {}, []);
    scheduler.join('a', { labels: { pool: 'x' } });
    await scheduler.finish(hour);
    scheduler.join('a', { runtime: undefined });
    await scheduler.finish(2 * hour);
    expect(scheduler.lastRun()?.nodes.get('a')).toMatchObject({ result: 'Skipped', reason: 'UnknownRuntime' });
    expect(scheduler.applied()).toEqual({ a: [api] });
  });
});

describe('an image that two lists or two policies want (P13)', () => {
  it('stays until the last of them lets it go', async () => {
    const scheduler = await supplied([both]);
    scheduler.putPolicy('other', [{ name: 'base', images: [web, db] }]);
    await scheduler.finish(60);
    scheduler.putLists([onlyApi], {}, '2');
    await scheduler.finish(hour);
    expect(scheduler.removals()).toEqual([]);
    scheduler.putPolicy('other', [{ name: 'base', images: [db] }], {}, '2');
    await scheduler.finish(2 * hour);
    expect(new Set(scheduler.removals())).toEqual(new Set([`a: ${web}`]));
    expect([scheduler.applied(), scheduler.applied('other')]).toEqual([{ a: [api] }, { a: [db] }]);
  });

  it('stays while the other policy is suspended, and while its last edit is not valid', async () => {
    for (const edit of [{ suspend: true }, { lists: [] }]) {
      const scheduler = await supplied();
      scheduler.putPolicy('other', [{ name: 'base', images: [web] }]);
      await scheduler.finish(60);
      scheduler.putPolicy('other', [{ name: 'base', images: [web] }], edit, '2');
      scheduler.putLists([onlyApi], {}, '2');
      await scheduler.finish(hour);
      expect(scheduler.removals()).toEqual([]);
    }
  });

  it('stays, as all others, while it is not known what another policy wants, and the status says so', async () => {
    const scheduler = await supplied();
    scheduler.putPolicy('other', [{ name: 'base', images: [db] }]);
    await scheduler.finish(60);
    scheduler.putPolicy('other', [], {}, '2');
    scheduler.cluster.fail = (call) => {
      if (call === 'writeStatus other') throw new Error('refused');
    };
    const status = scheduler.cluster.statusTexts.get('other');
    const text = status?.data['status.yaml']?.replace(/lastKept:[\s\S]*?(?=\n\w)/, 'lastKept:\n  kind: prepull') ?? '';
    scheduler.cluster.statusTexts.set('other', { data: { 'status.yaml': text }, version: 900 });
    scheduler.putLists([onlyApi], {}, '2');
    await scheduler.finish(hour);
    expect(scheduler.removals()).toEqual([]);
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Succeeded' });
    expect(scheduler.logged.join()).toMatch(/policy other is not valid/);
  });
});

describe('removalPolicy: Retain (P14)', () => {
  it('removes nothing, and forgets what leaves the lists, also if Delete is set later', async () => {
    const scheduler = await supplied([both], { removalPolicy: 'Retain' });
    scheduler.putLists([onlyApi], { removalPolicy: 'Retain' }, '2');
    await scheduler.finish(hour);
    expect(scheduler.applied()).toEqual({ a: [api] });
    scheduler.putLists([onlyApi], { removalPolicy: 'Delete' }, '3');
    await scheduler.finish(2 * hour);
    expect(scheduler.removals()).toEqual([]);
  });

  it('counts from the moment of the edit, also for the run that is active', async () => {
    const scheduler = await supplied();
    scheduler.putLists([onlyApi], {}, '2');
    await scheduler.pass(secondsLater(hour));
    scheduler.putLists([onlyApi], { removalPolicy: 'Retain' }, '3');
    await scheduler.finish(hour + 3);
    expect(scheduler.removals()).toEqual([]);
  });
});

it('an account that cannot be read removes nothing and is not written over; the lists are pulled all the same (P12)', async () => {
  const scheduler = await supplied();
  const ledger = scheduler.cluster.ledgers.get('nightly');
  if (ledger === undefined) throw new Error('no ledger');
  const damaged = { ...ledger, data: { ...ledger.data, 'applied.json': '{' } };
  scheduler.cluster.ledgers.set('nightly', damaged);
  scheduler.putLists([{ name: 'base', images: [db] }], {}, '2');
  await scheduler.finish(hour);
  expect(scheduler.removals()).toEqual([]);
  expect(scheduler.lastRun()).toMatchObject({ phase: 'Succeeded' });
  expect(scheduler.cluster.ledgers.get('nightly')).toBe(damaged);
  expect(scheduler.logged.join()).toMatch(/account of the images on nodes can't be read .* no image .* is removed/);
});

describe('a policy that is deleted (P14)', () => {
  it('has its images removed, by a run that its account owns, and then nothing of it is left', async () => {
    const scheduler = await supplied([both], {}, ['a', 'b']);
    await scheduler.finish(10);
    scheduler.deletePolicy('nightly');
    await scheduler.pass(secondsLater(700));
    expect(scheduler.removals()).toEqual([]);
    await scheduler.finish(731);
    expect(scheduler.removals()).toEqual([`a: ${api} ${web}`, `b: ${api} ${web}`]);
    expect(scheduler.cluster.events.map(({ reason }) => reason)).toContain('RunSucceeded');
    expect([scheduler.runs(), scheduler.pods(), scheduler.applied()]).toEqual([[], [], {}]);
    expect(scheduler.cluster.ledgers.size).toBe(0);
  });

  it('while the scheduler is down, is found when it starts again', async () => {
    const scheduler = await supplied();
    await scheduler.finish(10);
    scheduler.deletePolicy('nightly');
    scheduler.restart();
    await scheduler.pass(secondsLater(9000));
    await scheduler.finish(9031);
    expect(scheduler.removals()).toEqual([`a: ${api} ${web}`]);
    expect(scheduler.cluster.ledgers.size).toBe(0);
  });

  it('leaves what it said to leave, by its last valid version', async () => {
    const scheduler = await supplied();
    await scheduler.finish(10);
    scheduler.putLists([both], { removalPolicy: 'Retain' }, '2');
    await scheduler.pass(secondsLater(650));
    scheduler.putLists([], { removalPolicy: 'Delete' }, '3');
    await scheduler.pass(secondsLater(660));
    scheduler.deletePolicy('nightly');
    for (const seconds of [700, 731, 740]) await scheduler.pass(secondsLater(seconds));
    expect(scheduler.removals()).toEqual([]);
    expect(scheduler.cluster.ledgers.size).toBe(0);
  });

  it('keeps what another policy wants, and tries what is in use again at its scheduled times', async () => {
    const scheduler = await supplied();
    scheduler.putPolicy('other', [{ name: 'base', images: [api] }]);
    await scheduler.finish(60);
    scheduler.deletePolicy('nightly');
    await scheduler.pass(secondsLater(700));
    await scheduler.finish(731, () => 'InUse');
    expect(scheduler.removals()).toEqual(Array(5).fill(`a: ${web}`));
    expect(scheduler.applied()).toEqual({ a: [api, web] });
    await scheduler.finish(hour + 5);
    expect(scheduler.removals()).toHaveLength(6);
    expect(scheduler.applied()).toEqual({ a: [api] });
    scheduler.putPolicy('other', [{ name: 'base', images: [db] }], {}, '2');
    await scheduler.finish(2 * hour + 5);
    expect(new Set(scheduler.removals().slice(6))).toEqual(new Set([`a: ${api}`]));
    expect([...scheduler.cluster.ledgers.keys()]).toEqual(['other']);
  });

  it('and only has lost its label keeps its images', async () => {
    const scheduler = await supplied();
    await scheduler.finish(10);
    scheduler.cluster.unlabelled.add('nightly');
    scheduler.cluster.policies = [];
    for (const seconds of [700, 731, 900]) await scheduler.pass(secondsLater(seconds));
    expect(scheduler.removals()).toEqual([]);
    expect(scheduler.applied()).toEqual({ a: [api, web] });
  });

  it('and created again in time keeps what the new one wants, which answers for the rest', async () => {
    const scheduler = await supplied();
    await scheduler.finish(10);
    scheduler.deletePolicy('nightly');
    await scheduler.pass(secondsLater(700));
    scheduler.putLists([onlyApi], {}, '9');
    scheduler.cluster.policies = scheduler.cluster.policies.map((policy) => ({ ...policy, uid: 'uid-of-another' }));
    await scheduler.finish(hour);
    expect(scheduler.removals()).toEqual([`a: ${web}`]);
    expect(scheduler.applied()).toEqual({ a: [api] });
  });

  it('forgets an image that must stay for another reason, and a node that has left for a day', async () => {
    const scheduler = await supplied([both], {}, ['a', 'b']);
    await scheduler.finish(10);
    scheduler.deletePolicy('nightly');
    scheduler.cluster.nodes = [buildNode('a')];
    await scheduler.pass(secondsLater(700));
    await scheduler.finish(731, () => 'Kept:Pinned');
    expect(scheduler.applied()).toEqual({ b: [api, web] });
    for (const later of [1, 2]) await scheduler.pass(secondsLater(731 + later * 25 * hour));
    expect(scheduler.cluster.ledgers.size).toBe(0);
  });

  it('is dealt with in the end wherever the scheduler is killed, and nothing else is removed (P19)', async () => {
    const deleted = async () => {
      const scheduler = await supplied();
      await scheduler.pass(secondsLater(10));
      scheduler.deletePolicy('nightly');
      return scheduler;
    };
    const story = async (scheduler: ListScheduler) => {
      await scheduler.pass(secondsLater(700));
      await scheduler.finish(731);
    };
    const whole = await deleted();
    const before = whole.cluster.writes.length;
    await story(whole);
    for (let kill = before; kill < whole.cluster.writes.length; kill += 1) {
      const scheduler = await deleted();
      scheduler.cluster.killBefore = kill;
      await expect(story(scheduler)).rejects.toThrow(Killed);
      scheduler.cluster.killBefore = Number.POSITIVE_INFINITY;
      scheduler.restart();
      await scheduler.pass(secondsLater(2000));
      await scheduler.finish(2031);
      expect(new Set(scheduler.removals())).toEqual(new Set([`a: ${api} ${web}`]));
      expect(scheduler.cluster.ledgers.size).toBe(0);
    }
  });
});
