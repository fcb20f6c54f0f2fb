import { describe, expect, it } from 'vitest';
import { prepull } from '../../../scheduler/prepull/kind.ts';
import { buildNode, secondsLater, start } from '../../helpers/builders.ts';
import { ListScheduler } from '../../helpers/list-scheduler.ts';
import { askedOf, pullOn, refuseOn } from '../../helpers/node-that-pulls.ts';
import { state } from '../../helpers/pullers.ts';

const images = Array.from({ length: 20 }, (_, index) => `docker.io/acme/app-${String(index).padStart(2, '0')}:1`);
const base = { name: 'base', images };
const secret = { name: 'private', images: ['registry.test/acme/private:2'], imagePullSecrets: [{ name: 'reg' }] };

describe('a run over image lists', () => {
  it('pulls all images of each node with one pod, and succeeds when all are present (P2, P7)', async () => {
    const scheduler = new ListScheduler([base]);
    await scheduler.play(0);
    expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0']);
    expect(scheduler.lastRun()).toMatchObject({
      kind: prepull,
      phase: 'Succeeded',
      reason: 'Completed',
      message: '3 of 3 nodes supplied',
    });
    expect(scheduler.cluster.events.map(({ reason, message }) => `${reason}: ${message}`)).toEqual([
      expect.stringMatching(/^RunStarted: .* started for the scheduled time/),
      expect.stringMatching(/^RunSucceeded: .* 3 of 3 nodes succeeded; 60 of 60 images present$/),
    ]);
  });

  it('with one of 20 images refused has the cause, and the pods hold the other 19 (P2, P5)', async () => {
    const scheduler = new ListScheduler([base]);
    scheduler.cluster.nodes = [buildNode('a')];
    await scheduler.play(0, { 'docker.io/acme/app-07:1': state.denied });
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Running' });
    for (const seconds of [602, 605, 608]) await scheduler.pass(secondsLater(seconds));
    expect(scheduler.pods()).toEqual(['a#1']);
    expect(askedOf(scheduler.cluster, 'a').images).toEqual(images.filter((image) => !image.includes('07')));
    expect(askedOf(scheduler.cluster, 'a').policies).toEqual(['Never']);
    await scheduler.play(610);
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Failed', reason: 'NodesFailed' });
    expect(scheduler.lastRun()?.nodes.get('a')).toMatchObject({
      result: 'Failed',
      reason: 'Unauthorized',
      message: '1 of 20 images are missing: docker.io/acme/app-07:1: Unauthorized: pull access denied',
    });
    expect(scheduler.cluster.events.at(-1)).toMatchObject({ reason: 'RunPartiallyFailed' });
    for (const seconds of [2000, 2003]) await scheduler.pass(secondsLater(seconds));
    expect(scheduler.pods()).toEqual(['a#1']);
  });

  it('reads nothing more from a pod that did its part, while the pod that is to hold its images cannot be created (P10, P24)', async () => {
    const scheduler = new ListScheduler([base], { imagePullTimeoutSeconds: 10, rollout: { restartLimit: 0 } });
    scheduler.cluster.nodes = [buildNode('a')];
    await scheduler.play(0, { 'docker.io/acme/app-07:1': state.denied });
    const [puller] = scheduler.cluster.pods.values();
    if (puller === undefined) throw new Error('there is no puller');
    // The kubelet tells of its end, and the pod stays for some time.
    const ended = { ...puller, phase: 'Failed', deletionTimestamp: secondsLater(20) } as const;
    scheduler.cluster.deletePod = async () => void scheduler.cluster.pods.set(puller.name, ended);
    scheduler.cluster.fail = (call) => {
      if (call.startsWith('createPod')) throw new Error('quota exceeded');
    };
    for (const seconds of [20, 22, 24, 26]) await scheduler.pass(secondsLater(seconds));
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Running' });
    scheduler.restart();
    scheduler.cluster.fail = () => {};
    for (const seconds of [60, 62, 64]) await scheduler.pass(secondsLater(seconds));
    expect(askedOf(scheduler.cluster, 'a').policies).toEqual(['Never']);
    expect(scheduler.pods()).toEqual(['a#0', 'a#1']);
  });

  it('skips a node whose disk is too full, and is no success (P7, P16)', async () => {
    const scheduler = new ListScheduler([base]);
    await scheduler.pass(start);
    refuseOn(scheduler.cluster, 'b');
    await scheduler.play(3);
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Failed', reason: 'NodesRefused' });
    expect(scheduler.lastRun()?.nodes.get('b')).toMatchObject({
      result: 'Skipped',
      reason: 'DiskTooFull',
      message: expect.stringMatching(/81 % full, and disk\.maxPercent is 80/),
    });
    expect(scheduler.cluster.events.at(-1)).toMatchObject({ reason: 'RunPartiallyFailed' });
  });

  it('leaves a node under disk pressure alone, and serves it when that is over (P9, P16)', async () => {
    const scheduler = new ListScheduler([base]);
    scheduler.join('b', { diskPressure: true });
    await scheduler.play(0);
    expect(scheduler.pods()).toEqual(['a#0', 'c#0']);
    expect(scheduler.lastRun()?.nodes.get('b')).toMatchObject({ result: 'Skipped', reason: 'DiskPressure' });
    scheduler.join('b');
    await scheduler.play(60);
    expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0']);
  });

  it('gives lists with different secrets pods of their own, one after the other (P4, P24)', async () => {
    const scheduler = new ListScheduler([base, secret]);
    scheduler.cluster.nodes = [buildNode('a')];
    await scheduler.pass(start);
    expect(askedOf(scheduler.cluster, 'a')).toMatchObject({ images, secrets: [] });
    await scheduler.pass(secondsLater(3));
    expect(scheduler.pods()).toEqual(['a#0']);
    await scheduler.play(6);
    expect(scheduler.pods()).toEqual(['a#0', 'a#1']);
    expect(askedOf(scheduler.cluster, 'a')).toMatchObject({ images: secret.images, secrets: ['reg'] });
    await scheduler.play(9);
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Succeeded' });
    for (const seconds of [2000, 2003]) await scheduler.pass(secondsLater(seconds));
    expect(scheduler.pods()).toEqual(['a#0', 'a#1']);
  });

  it('judges an image by itself, also if its name is a part of the name of another (P1)', async () => {
    const names = ['registry.test/acme/api:1', 'registry.test/acme/api:10', 'registry.test/acme/api-next:1'];
    const scheduler = new ListScheduler([{ name: 'base', images: names }], {
      hold: false,
      imagePullTimeoutSeconds: 10,
    });
    scheduler.cluster.nodes = [buildNode('a')];
    await scheduler.play(0, { 'registry.test/acme/api:1': state.denied });
    for (const seconds of [20, 23]) await scheduler.pass(secondsLater(seconds));
    expect(scheduler.lastRun()?.nodes.get('a')).toMatchObject({
      result: 'Failed',
      message: '1 of 3 images are missing: registry.test/acme/api:1: Unauthorized: pull access denied',
    });
    scheduler.putLists([{ name: 'base', images: names.slice(1) }], { hold: false }, '2');
    await scheduler.pass(secondsLater(60));
    expect(scheduler.runs()).toHaveLength(1);
  });

  it('without a matching node is no success (P7)', async () => {
    const scheduler = new ListScheduler([{ ...base, nodes: { matchLabels: { pool: 'gpu' } } }]);
    await scheduler.pass(start);
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Failed', reason: 'NoMatchingNodes' });
  });

  it('never has more nodes at a registry than perRegistry (C39, P18)', async () => {
    const scheduler = new ListScheduler([base, { ...secret, nodes: { matchLabels: { pool: 'x' } } }], {
      rollout: { parallelism: '100%', perRegistry: 2 },
    });
    scheduler.join('d', { labels: { pool: 'x' } });
    await scheduler.pass(start);
    expect(scheduler.pods()).toEqual(['a#0', 'b#0']);
    pullOn(scheduler.cluster, 'a');
    await scheduler.pass(secondsLater(3));
    expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0']);
  });

  it('whose node is lost tells the cause that was seen before (P5)', async () => {
    const scheduler = new ListScheduler([base]);
    scheduler.cluster.nodes = [buildNode('a')];
    await scheduler.play(0, { 'docker.io/acme/app-07:1': state.denied });
    scheduler.join('a', { ready: false, readySince: secondsLater(10) });
    await scheduler.pass(secondsLater(400));
    expect(scheduler.lastRun()?.nodes.get('a')).toMatchObject({
      result: 'Failed',
      reason: 'NodeLost',
      message: expect.stringMatching(
        /became not ready.*: 1 of 20 images .*app-07:1: Unauthorized: pull access denied$/,
      ),
    });
  });

  it('that is cut off by its deadline tells the cause that was seen before (P17)', async () => {
    const scheduler = new ListScheduler([base], { activeDeadlineSeconds: 60, hold: false });
    scheduler.cluster.nodes = [buildNode('a')];
    await scheduler.play(0, { 'docker.io/acme/app-07:1': state.denied });
    for (const seconds of [61, 64, 67]) await scheduler.pass(secondsLater(seconds));
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
    expect(scheduler.lastRun()?.nodes.get('a')).toMatchObject({
      reason: 'DeadlineExceeded',
      message: expect.stringContaining('app-07:1: Unauthorized: pull access denied'),
    });
  });
});

describe('pods of lists that are held (P10)', () => {
  it('stay after the TTL until the next refresh has pulled, and then go in one call', async () => {
    const scheduler = new ListScheduler([base], { ttlSecondsAfterFinished: 60 });
    await scheduler.play(0);
    for (const seconds of [100, 2000]) await scheduler.pass(secondsLater(seconds));
    expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0']);
    await scheduler.play(3600);
    for (const seconds of [3606, 3610]) await scheduler.pass(secondsLater(seconds));
    expect(new Set([...scheduler.cluster.pods.values()].map(({ run }) => run))).toEqual(new Set(['nightly-29540820']));
    expect(scheduler.cluster.writes.filter((write) => write.startsWith('deletePod'))).toEqual([
      'deletePods nightly-29540760',
    ]);
  });

  it('go with their TTL when the policy holds none', async () => {
    const scheduler = new ListScheduler([base], { ttlSecondsAfterFinished: 60, hold: false });
    await scheduler.play(0);
    for (const seconds of [100, 103]) await scheduler.pass(secondsLater(seconds));
    expect(scheduler.pods()).toEqual([]);
  });
});

describe('a new node of a list (C39, P9)', () => {
  it('is served as soon as it is ready, alone, and not again', async () => {
    const scheduler = new ListScheduler([base]);
    await scheduler.play(0);
    scheduler.join('d', { ready: false, readySince: secondsLater(60) });
    await scheduler.play(60);
    expect(scheduler.runs()).toHaveLength(1);
    scheduler.join('d');
    await scheduler.play(90);
    await scheduler.play(120);
    expect(scheduler.runs()).toHaveLength(2);
    expect(scheduler.lastRun()).toMatchObject({ trigger: { type: 'Nodes' }, phase: 'Succeeded' });
    expect([...(scheduler.lastRun()?.nodes.keys() ?? [])]).toEqual(['d']);
  });

  it('is one that was lost during its pulls, when it is ready again, and not before', async () => {
    const scheduler = new ListScheduler([base]);
    await scheduler.pass(start);
    for (const node of ['a', 'c']) pullOn(scheduler.cluster, node);
    const waiting = Object.fromEntries(images.map((image) => [image, state.waiting()]));
    pullOn(scheduler.cluster, 'b', waiting);
    scheduler.join('b', { ready: false, readySince: secondsLater(10) });
    for (const seconds of [400, 403, 500]) await scheduler.pass(secondsLater(seconds));
    expect(scheduler.lastRun()?.nodes.get('b')).toMatchObject({ result: 'Failed', reason: 'NodeLost' });
    expect(scheduler.runs()).toHaveLength(1);
    scheduler.join('b');
    await scheduler.play(600);
    expect(scheduler.lastRun()).toMatchObject({ trigger: { type: 'Nodes' }, phase: 'Succeeded' });
    expect([...(scheduler.lastRun()?.nodes.keys() ?? [])]).toEqual(['b']);
    await scheduler.play(700);
    expect(scheduler.runs()).toHaveLength(2);
  });

  it('that comes to match a further list gets it, and one that fails is not tried before the refresh', async () => {
    const scheduler = new ListScheduler([base, { ...secret, nodes: { matchLabels: { pool: 'x' } } }]);
    await scheduler.play(0);
    scheduler.join('b', { labels: { pool: 'x' } });
    await scheduler.play(60);
    await scheduler.play(66, { 'registry.test/acme/private:2': state.denied });
    for (const seconds of [700, 703, 706, 710]) await scheduler.pass(secondsLater(seconds));
    expect(scheduler.lastRun()).toMatchObject({ trigger: { type: 'Nodes' }, phase: 'Failed' });
    expect([...(scheduler.lastRun()?.nodes.keys() ?? [])]).toEqual(['b']);
    for (const seconds of [900, 1000, 2000]) await scheduler.play(seconds);
    expect(scheduler.runs()).toHaveLength(2);
  });

  it('is each node after an edit that adds an image, and none after one that removes an image', async () => {
    const scheduler = new ListScheduler([base]);
    await scheduler.play(0);
    scheduler.putLists([{ ...base, images: images.slice(1) }], {}, '2');
    await scheduler.play(60);
    expect(scheduler.runs()).toHaveLength(1);
    scheduler.putLists([{ ...base, images: [...images, 'docker.io/acme/new:1'] }], {}, '3');
    await scheduler.play(120);
    expect(scheduler.lastRun()).toMatchObject({ trigger: { type: 'Nodes' }, phase: 'Succeeded' });
    expect(scheduler.lastRun()?.nodes.size).toBe(3);
  });

  it('waits for its turn if many join at the same time, so that few of them pull from a registry', async () => {
    const scheduler = new ListScheduler([base], { rollout: { parallelism: '100%', perRegistry: 3 } });
    await scheduler.play(0);
    for (let index = 0; index < 10; index += 1) scheduler.join(`new-${index}`);
    for (let seconds = 60; seconds < 90; seconds += 3) {
      await scheduler.pass(secondsLater(seconds));
      const pulling = [...scheduler.cluster.pods.values()].filter(({ phase }) => phase === 'Pending');
      expect(pulling.length).toBeLessThanOrEqual(3);
      scheduler.pull();
    }
    expect(scheduler.runs()).toHaveLength(2);
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Succeeded', message: '10 of 10 nodes supplied' });
  });

  it('is none for a policy with newNodes: false, or while it is suspended', async () => {
    for (const document of [{ newNodes: false }, { suspend: true }]) {
      const scheduler = new ListScheduler([base], { schedule: '0 0 1 1 *', ...document });
      await scheduler.play(0);
      expect(scheduler.runs()).toEqual([]);
    }
  });
});

it('a scheduler that is killed goes on where it was, and creates no second pod (P19)', async () => {
  const scheduler = new ListScheduler([base, secret]);
  for (let seconds = 0; seconds <= 30; seconds += 3) {
    scheduler.restart();
    await scheduler.play(seconds);
  }
  expect(scheduler.lastRun()).toMatchObject({ phase: 'Succeeded' });
  expect(scheduler.cluster.writes.filter((write) => write.startsWith('createPod '))).toHaveLength(6);
});

it('1,000 nodes with 20 images need 1,000 pods, and at most 10 other writes (P21)', async () => {
  const scheduler = new ListScheduler([base]);
  const names = Array.from({ length: 1000 }, (_, index) => `node-${String(index).padStart(4, '0')}`);
  scheduler.cluster.nodes = names.map((name) => buildNode(name));
  for (let seconds = 0; seconds < 40; seconds += 2) {
    await scheduler.pass(secondsLater(seconds));
    scheduler.pull();
  }
  expect(scheduler.lastRun()).toMatchObject({ phase: 'Succeeded', message: '1000 of 1000 nodes supplied' });
  expect(scheduler.cluster.pods.size).toBe(1000);
  expect(scheduler.cluster.writes.filter((write) => write.startsWith('createPod'))).toHaveLength(1000);
  expect(scheduler.cluster.writes.length).toBeLessThanOrEqual(1010);
  const [record] = scheduler.cluster.records.values();
  expect(JSON.stringify(record?.data).length).toBeLessThan(700_000);
});

it('a run of 13 minutes needs no more than 10 other writes, and its record shows at any time what it had done in a third of the time (P21)', async () => {
  const scheduler = new ListScheduler([base], { rollout: { parallelism: 5, perRegistry: 1000 } });
  const names = Array.from({ length: 100 }, (_, index) => `node-${String(index).padStart(3, '0')}`);
  scheduler.cluster.nodes = names.map((name) => buildNode(name));
  const recorded = () =>
    [...(scheduler.lastRun()?.nodes.values() ?? [])].filter(({ state }) => state === 'Settled').length;
  for (const [index, name] of names.entries()) {
    await scheduler.pass(secondsLater(8 * index));
    expect(recorded()).toBeGreaterThanOrEqual(Math.floor((index - 4) / 3));
    pullOn(scheduler.cluster, name);
  }
  await scheduler.pass(secondsLater(800));
  expect(scheduler.lastRun()).toMatchObject({ phase: 'Succeeded', message: '100 of 100 nodes supplied' });
  expect(scheduler.cluster.writes.filter((write) => write.startsWith('createPod'))).toHaveLength(100);
  // The job of a run over lists has nothing to write.
  const others = scheduler.cluster.writes.filter((write) => !/^create(?:Pod|Job) /.test(write));
  expect(others.length).toBeLessThanOrEqual(10);
});
