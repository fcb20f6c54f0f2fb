import type { RunPod } from '../objects.ts';
import { hasStopped } from '../pods/state.ts';
import type { EarlierWork, HeldPod } from '../run/kind.ts';
import type { Run } from '../run/run.ts';
import type { PrepullPolicy } from './policy.ts';
import { statesByReference, statesIn } from './states/by-reference.ts';
import { readImages } from './states/images-of-pod.ts';
import type { Tally } from './tally.ts';
import { imagesOf } from './wanted.ts';

/**
 * True if a puller stays after its run. The kubelet keeps the ended containers of a pod as long as the pod exists, so their
 * images count as used. An eviction has removed them.
 */
export function isHeld(pod: RunPod, { spec }: Run): boolean {
  const { hold } = spec as PrepullPolicy;
  return hold && hasStopped(pod) && pod.reason === undefined && presentImages(pod).length > 0;
}

/**
 * True if newer pods hold all images of a held pod that the newer run wants on the node, except those that are known not to be
 * there. A run that was cut off has not looked for the others, so only the older pod may hold them.
 */
export function isTakenOver(
  { pod, run }: HeldPod,
  newer: { readonly run: Run; readonly pods: readonly RunPod[] },
): boolean {
  const tally = tallyOn(pod.node, newer.run);
  if (tally === undefined) return false;
  const states = statesByReference(newer.run, tally.images);
  const held = new Set(newer.pods.flatMap((other) => referencesHeldBy({ pod: other, run: newer.run })));
  const isNeeded = (reference: string) => {
    const state = states.get(reference);
    return state !== undefined && !(state.state === 'Failed' && state.isAbsent === true);
  };
  return referencesHeldBy({ pod, run }).every((reference) => held.has(reference) || !isNeeded(reference));
}

/** The images that earlier runs have left on a node, as their newest result and their held pods show. */
export function leftByEarlier({ last, held }: EarlierWork): ReadonlySet<string> {
  const left = [...statesIn(last)].filter(([, { state }]) => state === 'Present' || state === 'Stale');
  return new Set([...left.map(([reference]) => reference), ...held.flatMap(referencesHeldBy)]);
}

function referencesHeldBy({ pod, run }: HeldPod): readonly string[] {
  const images = imagesOf(run.spec as PrepullPolicy);
  return presentImages(pod).flatMap((index) => images[index] ?? []);
}

function tallyOn(node: string, { nodes }: Run): Tally | undefined {
  const progress = nodes.get(node);
  return progress?.state === 'Settled' ? (progress.tally as Tally | undefined) : undefined;
}

const knownPods = new WeakMap<RunPod, readonly number[]>();

/** The images of a pod that are present, by index. The many pods that are held are read once, not at each pass. */
function presentImages(pod: RunPod): readonly number[] {
  const known =
    knownPods.get(pod) ?? [...readImages(pod)].flatMap(([index, { state }]) => (state === 'Present' ? [index] : []));
  knownPods.set(pod, known);
  return known;
}
