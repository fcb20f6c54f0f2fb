import { describe, expect, it } from 'vitest';
import type { RunPod } from '../../../scheduler/objects.ts';
import { prepull } from '../../../scheduler/prepull/kind.ts';
import { newNodeSecondsOf, pullSecondsOf } from '../../../scheduler/prepull/pull-times.ts';
import { type NodeProgress, type Settled, settled, started } from '../../../scheduler/run/progress.ts';
import type { LastResult } from '../../../scheduler/run/results/last-results.ts';
import type { NodeEnd } from '../../../scheduler/run/results/node-end.ts';
import type { Run } from '../../../scheduler/run/run.ts';
import { buildNode, buildRun, secondsLater, start, tried } from '../../helpers/builders.ts';
import { ListScheduler } from '../../helpers/list-scheduler.ts';
import { buildPrepull } from '../../helpers/prepull.ts';
import { buildPuller, state } from '../../helpers/pullers.ts';

const images = ['docker.io/acme/a:1', 'docker.io/acme/b:1', 'docker.io/acme/c:1'];
const buildListRun = (run: Partial<Run> = {}, listed = images): Run =>
  buildRun({}, { kind: prepull, spec: buildPrepull([{ name: 'base', images: listed }]), ...run });

const succeeded = settled(tried(1), 'Succeeded');
const buildEnd = (end: Partial<NodeEnd> = {}): NodeEnd => ({
  run: buildListRun(),
  name: 'a',
  progress: succeeded,
  before: started(tried(0), 0),
  lastResult: undefined,
  node: buildNode('a', { createdAt: secondsLater(-9_000) }),
  pod: undefined,
  now: secondsLater(100),
  ...end,
});
const lastResult = (run: Run, present: readonly number[]): LastResult => ({
  run: { ...run, phase: 'Succeeded', finishedAt: secondsLater(-3_000) },
  progress: settled(tried(1), 'Succeeded', {
    tally: { images: new Map(present.map((index) => [index, { state: 'Present' }])) },
  }) as Settled,
});

describe('the time of a pull', () => {
  const pod: RunPod = buildPuller(
    { 0: state.done(), 1: state.denied, 2: state.done() },
    { startDelays: [undefined, 3, undefined, 45] },
  );

  it('is that from the start of the container before, for each image that is present', () => {
    expect(pullSecondsOf(buildEnd({ pod }))).toEqual([3, 45]);
  });

  it('is not that of an image that was on the node after the run before, also if it had another index', () => {
    const earlier = buildListRun(
      {},
      ['docker.io/acme/A:0', ...images].map((image) => image.toLowerCase()),
    );
    expect(pullSecondsOf(buildEnd({ pod, lastResult: lastResult(earlier, [1]) }))).toEqual([45]);
  });

  it('is that of all images if another machine has the name of the node now', () => {
    const node = buildNode('a', { createdAt: secondsLater(-60) });
    expect(pullSecondsOf(buildEnd({ pod, node, lastResult: lastResult(buildListRun(), [0, 2]) }))).toEqual([3, 45]);
  });

  it('is none of a pod that only holds images, and of a pod that is gone', () => {
    const before: NodeProgress = { ...started(tried(1), 1), memory: { states: new Map(), over: [0], holding: [0] } };
    expect(pullSecondsOf(buildEnd({ pod, before }))).toEqual([]);
    expect(pullSecondsOf(buildEnd())).toEqual([]);
  });
});

describe('the time until a new node has all images', () => {
  const node = buildNode('a', { createdAt: secondsLater(10), readySince: secondsLater(40) });

  it('begins when the node is ready, for a node that was created while the run was active', () => {
    expect(newNodeSecondsOf(buildEnd({ node }))).toBe(60);
  });

  it('is also that of a node that was created after the run before, in a run over new nodes', () => {
    const run = buildListRun({ trigger: { type: 'Nodes', after: secondsLater(-60) }, startedAt: secondsLater(50) });
    expect(newNodeSecondsOf(buildEnd({ node, run }))).toBe(60);
    const older = buildNode('a', { createdAt: secondsLater(-61), readySince: secondsLater(-50) });
    expect(newNodeSecondsOf(buildEnd({ node: older, run }))).toBeUndefined();
  });

  it('is not known of a node that was there before, or that misses an image', () => {
    expect(newNodeSecondsOf(buildEnd())).toBeUndefined();
    expect(newNodeSecondsOf(buildEnd({ node, progress: settled(tried(1), 'Failed') }))).toBeUndefined();
    expect(newNodeSecondsOf(buildEnd({ node: undefined }))).toBeUndefined();
  });
});

it('the ends of pods are observed once, each with the result before, also after a restart in between', async () => {
  const scheduler = new ListScheduler([{ name: 'base', images }]);
  const ends: string[] = [];
  const observer = {
    observeStart: () => {},
    observeEnd: () => {},
    observeNode: ({ run, name, lastResult, pod }: NodeEnd) =>
      ends.push(`${run.name} ${name} ${pod?.attempt} ${lastResult?.run.name ?? 'first'}`),
  };
  scheduler.observer = observer;
  await scheduler.play(0);
  scheduler.restart();
  for (const seconds of [10, 20]) await scheduler.pass(secondsLater(seconds));
  await scheduler.pass(start);
  await scheduler.play(3_600);
  const [first, second] = ['nightly-29540760', 'nightly-29540820'];
  expect(ends).toEqual([
    ...['a', 'b', 'c'].map((node) => `${first} ${node} 0 first`),
    ...['a', 'b', 'c'].map((node) => `${second} ${node} 0 ${first}`),
  ]);
});
