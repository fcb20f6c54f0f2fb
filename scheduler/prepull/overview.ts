import type { ReferenceOutcome } from '../../contract/reference-outcomes.ts';
import { compareNames } from '../../contract/text.ts';
import { onceFor } from '../run/once-for.ts';
import { onceForRuns } from '../run/once-for-runs.ts';
import { lastResults, lastRunOverAll } from '../run/results/last-results.ts';
import { nodeRemoved } from '../run/rollout/eligibility.ts';
import { isFinished, type Run } from '../run/run.ts';
import type { PrepullPolicy } from './policy.ts';
import { memoryOf } from './puller/memory.ts';
import { isGone, isUsed, type Removals } from './removal/removals.ts';
import type { ImageState, ImageStates } from './states/image-state.ts';
import type { PullReason } from './states/reasons.ts';
import { addTallies, type Tally } from './tally.ts';
import { imagesOf } from './wanted.ts';

/** An image of a policy, and the nodes on which the newest runs have found it. */
export interface ImageOverview {
  readonly image: string;
  /** The names of the lists that have it. */
  readonly lists: readonly string[];
  readonly nodes: NodeCounts;
  /** The digests of the image on the nodes; several while a tag is moved. */
  readonly digests: readonly string[];
  readonly failures: readonly ImageFailure[];
}

/** The numbers of nodes that should have an image, and of those among them with each state. */
export interface NodeCounts {
  readonly desired: number;
  readonly present: number;
  readonly pulling: number;
  /** Nodes that have the image, but could not pull it again. */
  readonly stale: number;
  readonly failed: number;
  readonly unknown: number;
}

/** The nodes on which an image could not be pulled for one reason. */
export interface ImageFailure {
  /** `Stale` if the nodes have the image from an earlier pull. */
  readonly state: 'Failed' | 'Stale';
  readonly reason: PullReason;
  /** The words of the registry or of the runtime on the first of the nodes. */
  readonly message: string | undefined;
  readonly count: number;
  /** The first nodes by name. */
  readonly nodes: readonly string[];
}

const maxNodes = 5;

/** A node with the state of an image. */
type Sighting = Omit<ImageOnNode, 'image'>;

/** The images of a policy with their states, as its runs have shown them last, sorted by name. */
export function imageOverviews(policy: PrepullPolicy, runs: readonly Run[]): readonly ImageOverview[] {
  return overviewsOf(policy)(runs);
}

/** Thousands of nodes with many images are counted again only after a run or the policy has changed. */
const overviewsOf = onceFor((policy: PrepullPolicy) => onceForRuns((runs) => countOnNodes(policy, runs)));

function countOnNodes(policy: PrepullPolicy, runs: readonly Run[]): readonly ImageOverview[] {
  const sightings = sightingsByImage(runs);
  return imagesOf(policy).map((image) => {
    const seen = sightings.get(image) ?? [];
    return {
      image,
      lists: policy.lists.filter(({ images }) => images.includes(image)).map(({ name }) => name),
      nodes: countNodes(seen),
      digests: digestsOf(seen),
      failures: failuresOf(seen),
    };
  });
}

/** A node with the state of an image, as the newest runs have shown it. */
export interface ImageOnNode {
  readonly node: string;
  readonly image: string;
  readonly state: ImageState;
}

/** The nodes that should have an image, with its state on each, sorted by name. */
export function nodesOf(image: string, runs: readonly Run[]): readonly ImageOnNode[] {
  const indexOf = onceFor((run: Run) => imagesOf(run.spec as PrepullPolicy).indexOf(image));
  return [...newestStates(runs)]
    .flatMap(([node, { run, states }]) => {
      const state = states.get(indexOf(run));
      return state === undefined ? [] : [{ node, image, state }];
    })
    .sort((one, other) => compareNames(one.node, other.node));
}

/** The images that a node should have, with the state of each, sorted by name. */
export function imagesOn(node: string, runs: readonly Run[]): readonly ImageOnNode[] {
  const found = newestStates(runs).get(node);
  if (found === undefined) return [];
  const images = imagesOf(found.run.spec as PrepullPolicy);
  return [...found.states].flatMap(([index, state]) => {
    const image = images[index];
    return image === undefined ? [] : [{ node, image, state }];
  });
}

/** An image that the newest runs had to remove from nodes, with the numbers of nodes by outcome. */
export interface RemovalOverview {
  readonly image: string;
  readonly removed: number;
  readonly inUse: number;
  readonly failed: number;
  /** Nodes on which the image stays for another reason, or on which it is not known if it is gone. */
  readonly kept: number;
  /** The first nodes by name on which it is not gone. */
  readonly nodes: readonly string[];
}

/** The images that the newest runs had to remove, sorted by name. */
export const removalOverviews = onceForRuns((runs): readonly RemovalOverview[] => {
  const outcomes = [...lastResults(runs)]
    .sort(([one], [other]) => compareNames(one, other))
    .flatMap(([node, { progress }]) =>
      [...removalsOf(progress.tally)].map(([image, outcome]) => ({ node, image, word: wordOf(outcome) })),
    );
  const byImage = [...Map.groupBy(outcomes, ({ image }) => image)].sort(([one], [other]) => compareNames(one, other));
  return byImage.map(([image, found]) => {
    const having = (wanted: ReturnType<typeof wordOf>) => found.filter(({ word }) => word === wanted).length;
    const left = found.filter(({ word }) => word !== 'removed').map(({ node }) => node);
    return {
      image,
      removed: having('removed'),
      inUse: having('inUse'),
      failed: having('failed'),
      kept: having('kept'),
      nodes: left.slice(0, maxNodes),
    };
  });
});

function removalsOf(tally: unknown): Removals {
  return (tally as Tally | undefined)?.removals ?? new Map();
}

function wordOf(outcome: ReferenceOutcome): 'removed' | 'inUse' | 'failed' | 'kept' {
  if (isGone(outcome)) return 'removed';
  if (isUsed(outcome)) return 'inUse';
  return outcome.kind === 'Failed' ? 'failed' : 'kept';
}

/** The states of images on nodes: those of wanted images, and of those that are to be removed. */
export type CountedState = ImageState['state'] | 'Removed' | 'InUse';

/** The numbers of images by state, each counted on each node. */
export function countImages(runs: readonly Run[]): Readonly<Record<CountedState, number>> {
  const counts = { Present: 0, Pulling: 0, Stale: 0, Failed: 0, Unknown: 0, Removed: 0, InUse: 0 };
  for (const { states } of newestStates(runs).values())
    for (const [state, count] of countStates(states)) counts[state] += count;
  const tallies = [...lastResults(runs).values()].flatMap(
    ({ progress }) => (progress.tally as Tally | undefined) ?? [],
  );
  const { removed = 0, inUse = 0 } = addTallies(tallies.filter(({ removals }) => removals !== undefined)).images;
  return { ...counts, Removed: removed, InUse: inUse };
}

const knownCounts = new WeakMap<ImageStates, ReadonlyMap<ImageState['state'], number>>();

/** Counts the states of a node. Most nodes share them, so they are counted once. */
function countStates(states: ImageStates): ReadonlyMap<ImageState['state'], number> {
  const known = knownCounts.get(states);
  if (known !== undefined) return known;
  const grouped = Map.groupBy(states.values(), ({ state }) => state);
  const counts = new Map([...grouped].map(([state, images]) => [state, images.length]));
  knownCounts.set(states, counts);
  return counts;
}

interface NodeStates {
  readonly run: Run;
  readonly states: ImageStates;
}

/** The states on each node: the newest results, or what an active run remembers. */
function newestStates(runs: readonly Run[]): ReadonlyMap<string, NodeStates> {
  return new Map([...settledStates(runs), ...runs.filter((run) => !isFinished(run)).flatMap(activeStates)]);
}

/** The nodes that should have each image, in any order. */
function sightingsByImage(runs: readonly Run[]): ReadonlyMap<string, readonly Sighting[]> {
  const imagesIn = onceFor((run: Run) => imagesOf(run.spec as PrepullPolicy));
  const sightings = new Map<string, Sighting[]>();
  for (const [node, { run, states }] of newestStates(runs)) {
    const images = imagesIn(run);
    for (const [index, state] of states) {
      const image = images[index];
      if (image === undefined) continue;
      const seen = sightings.get(image);
      if (seen === undefined) sightings.set(image, [{ node, state }]);
      else seen.push({ node, state });
    }
  }
  return sightings;
}

function settledStates(runs: readonly Run[]): [string, NodeStates][] {
  const overAll = lastRunOverAll(runs);
  return [...lastResults(runs)].flatMap(([node, { run, progress }]): [string, NodeStates][] => {
    const tally = progress.tally as Tally | undefined;
    return tally === undefined || !isMeant(node, run, overAll) ? [] : [[node, { run, states: tally.images }]];
  });
}

/** False for a node that only older runs have: it is gone, or no list selects it any more. */
function isMeant(node: string, { startedAt }: Run, overAll: Run | undefined): boolean {
  if (overAll === undefined || startedAt >= overAll.startedAt) return true;
  const progress = overAll.nodes.get(node);
  return progress !== undefined && !(progress.state === 'Settled' && progress.reason === nodeRemoved.reason);
}

function activeStates(run: Run): [string, NodeStates][] {
  return [...run.nodes].flatMap(([node, { memory }]): [string, NodeStates][] =>
    memory === undefined ? [] : [[node, { run, states: memoryOf(memory).states }]],
  );
}

function countNodes(seen: readonly Sighting[]): NodeCounts {
  const counts = { Present: 0, Pulling: 0, Stale: 0, Failed: 0, Unknown: 0 };
  for (const { state } of seen) counts[state.state] += 1;
  const { Present: present, Pulling: pulling, Stale: stale, Failed: failed, Unknown: unknown } = counts;
  return { desired: seen.length, present, pulling, stale, failed, unknown };
}

function digestsOf(seen: readonly Sighting[]): readonly string[] {
  const digests = new Set<string>();
  for (const { state } of seen) if ('digest' in state && state.digest !== undefined) digests.add(state.digest);
  return [...digests].sort();
}

function failuresOf(seen: readonly Sighting[]): readonly ImageFailure[] {
  return (['Failed', 'Stale'] as const).flatMap((wanted) => {
    const failed = seen.flatMap(({ node, state }) => (state.state === wanted ? [{ node, ...state.cause }] : []));
    failed.sort((one, other) => compareNames(one.node, other.node));
    return [...Map.groupBy(failed, ({ reason }) => reason)].map(([reason, nodes]) => ({
      state: wanted,
      reason,
      message: nodes.find(({ message }) => message !== undefined)?.message,
      count: nodes.length,
      nodes: nodes.slice(0, maxNodes).map(({ node }) => node),
    }));
  });
}
