import { beforeEach, describe, expect, it } from 'vitest';
import type { Node } from '../../../scheduler/objects.ts';
import { hasStartupTaint, startupTaint } from '../../../scheduler/pods/startup-taint.ts';
import type { PrepullDocument } from '../../../scheduler/prepull/policy.ts';
import { buildNode, secondsLater, start } from '../../helpers/builders.ts';
import { Killed } from '../../helpers/fake-cluster.ts';
import { ListScheduler } from '../../helpers/list-scheduler.ts';
import { pullOn, type Trouble } from '../../helpers/node-that-pulls.ts';
import { state } from '../../helpers/pullers.ts';

const base = { name: 'base', images: ['docker.io/acme/api:1', 'docker.io/acme/web:1'] };
const asking: Partial<PrepullDocument> = { startupTaint: { timeoutSeconds: 300 } };
const denied = { 'docker.io/acme/api:1': state.denied };
const foreign = [
  { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' },
  { key: 'nodesweep.io/prepull', value: 'other', effect: 'NoSchedule' },
  { key: 'nodesweep.io/prepull', value: 'pending', effect: 'NoExecute' },
];
/** The second at which the node of the tests joins. */
const joined = 60;

let scheduler: ListScheduler;

beforeEach(() => begin());

/** A policy whose first run is over, on a cluster with the overlay. */
function begin(document: Partial<PrepullDocument> = asking): void {
  scheduler = new ListScheduler([base], document);
  scheduler.cluster.mayChangeNodes = true;
}

function join(node: Partial<Node> = {}): void {
  const createdAt = secondsLater(joined);
  scheduler.join('new', { createdAt, readySince: createdAt, taints: [startupTaint, ...foreign], ...node });
}

/** Makes passes at these seconds. The nodes pull between them. */
async function play(seconds: readonly number[], trouble: Trouble = {}): Promise<void> {
  for (const second of seconds) {
    await scheduler.pass(secondsLater(second));
    scheduler.pull(trouble);
    scheduler.clean();
  }
}

/** The first passes after the node has joined, and those around the timeout. */
const early = [joined, joined + 3, joined + 6, joined + 9];
const before = [joined + 100, joined + 200, joined + 296, joined + 299];
const after = [joined + 300, joined + 303, joined + 306];

const taintsOf = (name = 'new') => scheduler.cluster.nodes.find((node) => node.name === name)?.taints ?? [];
const isTainted = () => hasStartupTaint({ taints: taintsOf() });
const removals = () => scheduler.cluster.writes.filter((write) => write.startsWith('removeStartupTaint'));
const reasons = () => scheduler.cluster.events.map(({ reason }) => reason);
const readiness = () =>
  scheduler.cluster
    .state()
    .statuses.get('nightly')
    ?.value?.conditions?.find(({ type }) => type === 'Ready');

describe('a node that joins with the startup taint (P22)', () => {
  it('loses it when its images are present, and nothing else of it changes', async () => {
    await play([0, 3]);
    join();
    await scheduler.pass(secondsLater(joined));
    expect(scheduler.pods()).toContain('new#0');
    expect(isTainted()).toBe(true);
    await play(early);
    expect(taintsOf()).toEqual(foreign);
    expect(removals()).toEqual(['removeStartupTaint new']);
    await play([...before, ...after]);
    expect(removals()).toHaveLength(1);
    expect(reasons()).not.toContain('StartupTaintTimedOut');
  });

  it('loses it by the timeout if an image cannot be pulled, which is told with its cause', async () => {
    await play([0, 3]);
    join();
    await play([...early, ...before], denied);
    expect(isTainted()).toBe(true);
    await play(after, denied);
    expect(taintsOf()).toEqual(foreign);
    expect(scheduler.cluster.events.filter(({ reason }) => reason === 'StartupTaintTimedOut')).toEqual([
      {
        type: 'Warning',
        reason: 'StartupTaintTimedOut',
        policy: 'nightly',
        message:
          'new lost the startup taint because startupTaint.timeoutSeconds is over: new: 1 of 2 images are missing: docker.io/acme/api:1: Unauthorized: pull access denied',
      },
    ]);
  });

  it('loses it at once if no list reaches it, and no policy asks for it', async () => {
    const elsewhere = { ...base, nodes: { matchLabels: { pool: 'other' } } };
    for (const put of [
      () => scheduler.putLists([elsewhere], asking),
      () => scheduler.putLists([base], { suspend: true }),
      () => scheduler.deletePolicy('nightly'),
      () => scheduler.putLists([{ ...base, nodes: { tolerations: [] } }], asking),
    ]) {
      begin();
      put();
      join();
      await scheduler.pass(secondsLater(joined));
      expect(isTainted()).toBe(false);
    }
  });

  it('gets its images also from a list that tolerates no taint', async () => {
    begin();
    scheduler.putLists([{ ...base, nodes: { tolerations: [] } }], asking);
    join({ taints: [startupTaint] });
    await play(early);
    const { name = '' } = [...scheduler.cluster.pods.values()].find(({ node }) => node === 'new') ?? {};
    expect(scheduler.cluster.bodies.get(name)?.spec).toMatchObject({
      tolerations: [{ operator: 'Equal', ...startupTaint }],
    });
    expect(removals()).toHaveLength(1);
  });

  it('waits for all policies that ask for it, and not for the others', async () => {
    scheduler.putPolicy('second', [{ name: 'base', images: ['docker.io/acme/second:1'] }], asking);
    scheduler.putPolicy('third', [{ name: 'base', images: ['docker.io/acme/third:1'] }]);
    join();
    const missing = { 'docker.io/acme/second:1': state.denied, 'docker.io/acme/third:1': state.denied };
    await play([...early, ...before], missing);
    expect(isTainted()).toBe(true);
    await play(after, missing);
    expect(isTainted()).toBe(false);
    expect(
      scheduler.cluster.events.filter(({ reason }) => reason === 'StartupTaintTimedOut').map(({ policy }) => policy),
    ).toEqual(['second']);
  });

  it('waits for the images of a policy that is suspended or not valid no longer than the timeout', async () => {
    for (const spoil of [
      () => scheduler.putLists([base], { ...asking, suspend: true }, '2'),
      () => scheduler.putLists([], asking, '2'),
    ]) {
      begin();
      await play([0, 3]);
      spoil();
      join();
      await play([...early, ...before]);
      expect(isTainted()).toBe(true);
      await play(after);
      expect(isTainted()).toBe(false);
      expect(reasons()).toContain('StartupTaintTimedOut');
    }
  });

  it('loses it for a policy that has become invalid when the images of its last valid version are present', async () => {
    await play([0, 3]);
    join();
    await scheduler.pass(secondsLater(joined));
    scheduler.putLists([], asking, '2');
    await play([joined + 3, joined + 6, joined + 9, joined + 12]);
    expect(isTainted()).toBe(false);
    expect(reasons()).not.toContain('StartupTaintTimedOut');
  });

  it('loses it at once when the policy is deleted or purged', async () => {
    for (const end of [
      () => scheduler.deletePolicy('nightly'),
      () => scheduler.annotate('nightly', { 'nodesweep.io/purge-at': 'now' }),
    ]) {
      begin();
      await play([0, 3]);
      join();
      await play(early, denied);
      expect(isTainted()).toBe(true);
      end();
      await play([joined + 12, joined + 15], denied);
      expect(isTainted()).toBe(false);
    }
  });

  it('does not lose it by the result of an earlier node of the same name', async () => {
    join({ createdAt: secondsLater(-600), taints: [] });
    await scheduler.pass(start);
    pullOn(scheduler.cluster, 'new');
    await scheduler.pass(secondsLater(3));
    expect(scheduler.lastRun()).toMatchObject({ phase: 'Running' });
    join({ createdAt: secondsLater(4) });
    await play([6, 9, 12, 15]);
    expect(isTainted()).toBe(true);
  });

  it('that gets it again and again by hand loses it after increasing pauses', async () => {
    scheduler.cluster.policies = [];
    for (let seconds = joined; seconds < joined + 3_600; seconds += 3) {
      if (!isTainted()) join();
      await scheduler.pass(secondsLater(seconds));
    }
    expect(removals().length).toBeGreaterThan(8);
    expect(removals().length).toBeLessThan(25);
  });
});

describe('without the right to change nodes (P22)', () => {
  beforeEach(() => {
    scheduler.cluster.mayChangeNodes = false;
  });

  it('nothing is tried, the images are pulled all the same, and the policy says what to do, once', async () => {
    join();
    await play([...early, ...before, ...after]);
    expect(scheduler.pods()).toContain('new#0');
    expect(removals()).toEqual([]);
    expect(isTainted()).toBe(true);
    expect(readiness()).toMatchObject({
      status: 'False',
      reason: 'StepFailed',
      message: expect.stringMatching(/may not change nodes: apply manifests\/overlays\/startup-taint/),
    });
    expect(reasons().filter((reason) => reason === 'StepFailed')).toHaveLength(1);
    expect(scheduler.logged.filter((line) => line.startsWith('nodes keep the startup taint'))).toHaveLength(1);
  });

  it('a policy that does not ask for the taint says nothing', async () => {
    begin({});
    scheduler.cluster.mayChangeNodes = false;
    await play([0, 3, 6]);
    expect(readiness()).toMatchObject({ status: 'True', reason: 'Valid' });
  });

  it('the nodes follow after the right is granted', async () => {
    join();
    await play(early);
    scheduler.cluster.mayChangeNodes = true;
    await play([joined + 12, joined + 200]);
    expect(taintsOf()).toEqual(foreign);
    expect(readiness()).toMatchObject({ status: 'True', reason: 'Valid' });
  });
});

describe('an API server that refuses the change (P22)', () => {
  it('is asked again after pauses, and the policy shows its words until it accepts', async () => {
    scheduler.cluster.fail = (call) => {
      if (call.startsWith('removeStartupTaint')) throw new Error('denied by a webhook');
    };
    join();
    for (let seconds = joined; seconds < joined + 400; seconds += 8) await play([seconds]);
    expect(removals().length).toBeGreaterThan(4);
    expect(removals().length).toBeLessThan(10);
    expect(readiness()).toMatchObject({ status: 'False', message: expect.stringContaining('denied by a webhook') });
    expect(reasons().filter((reason) => reason === 'StepFailed')).toHaveLength(1);
    scheduler.cluster.fail = () => {};
    await play([joined + 800, joined + 810, joined + 1_000]);
    expect(isTainted()).toBe(false);
    expect(readiness()).toMatchObject({ status: 'True', reason: 'Valid' });
  });

  it('does not hold up other nodes', async () => {
    scheduler.cluster.fail = (call) => {
      if (call === 'removeStartupTaint new') throw new Error('refused');
    };
    join();
    scheduler.join('other', { createdAt: secondsLater(joined), taints: [startupTaint] });
    await play(early);
    expect(taintsOf('other')).toEqual([]);
    expect(isTainted()).toBe(true);
  });

  it('whose answer is lost: the timeout is told all the same, once', async () => {
    const remove = scheduler.cluster.removeStartupTaint.bind(scheduler.cluster);
    scheduler.cluster.removeStartupTaint = async (node) => {
      await remove(node);
      throw new Error('the connection was lost');
    };
    join();
    await play([...early, ...before, ...after], denied);
    expect(isTainted()).toBe(false);
    expect(reasons().filter((reason) => reason === 'StartupTaintTimedOut')).toHaveLength(1);
    expect(removals()).toHaveLength(1);
  });
});

it('a scheduler that is killed before any of its writes removes the taint at last, and not before the images are present (P22)', async () => {
  const story = async () => {
    join();
    for (const seconds of [...early, joined + 12]) {
      const wasTainted = isTainted();
      await scheduler.pass(secondsLater(seconds));
      const pods = [...scheduler.cluster.pods.values()].filter(({ node }) => node === 'new');
      if (wasTainted && !isTainted()) expect(pods.some(({ phase }) => phase === 'Succeeded')).toBe(true);
      scheduler.pull();
    }
  };
  await story();
  const total = scheduler.cluster.writes.length;
  expect(total).toBeGreaterThan(8);
  for (let kill = 0; kill < total; kill += 1) {
    begin();
    scheduler.cluster.killBefore = kill;
    await story().catch((error: unknown) => expect(error).toBeInstanceOf(Killed));
    scheduler.cluster.killBefore = Number.POSITIVE_INFINITY;
    scheduler.restart();
    await play([24, 27, 30, 33].map((seconds) => joined + seconds));
    expect(taintsOf()).toEqual(foreign);
    expect(removals().length).toBeLessThanOrEqual(1);
  }
});

it('300 nodes that join together each lose the taint with one write, and their timeouts are a few Events (P22, P21)', async () => {
  for (const trouble of [{}, denied]) {
    begin();
    scheduler.cluster.nodes = Array.from({ length: 300 }, (_, index) => ({
      ...buildNode('new'),
      name: `new-${index}`,
      labels: {},
      createdAt: secondsLater(joined),
      taints: [startupTaint],
    }));
    await play([...early, ...before, ...after, joined + 309, joined + 361], trouble);
    expect(scheduler.cluster.nodes.filter(hasStartupTaint)).toEqual([]);
    expect(removals()).toHaveLength(300);
    expect(reasons().filter((reason) => reason === 'StartupTaintTimedOut').length).toBeLessThanOrEqual(2);
  }
});
