import type { RunPod } from '../../objects.ts';
import { hasStopped } from '../../pods/state.ts';
import type { PodResult } from '../../run/kind.ts';
import { leftByEarlier } from '../held.ts';
import type { ImageStates } from '../states/image-state.ts';
import { isToRemove, type PullerFacts, tallyFor } from './facts.ts';
import { type NodeMemory, noRemovals } from './memory.ts';
import { leftOn } from './next-images.ts';
import { maxImagesPerPod } from './parts.ts';

/**
 * Pulls nothing on a node whose disk is too full, and begins to remove what no list wants there, because this frees space. The
 * pods of earlier runs are deleted for that. So a further pod holds first what the node has of its lists.
 */
export function refusePulls(tooFull: string, memory: NodeMemory, facts: PullerFacts): PodResult {
  const refused = { ...memory, tooFull };
  if (!isToRemove(memory, facts)) return resultOfRefused(refused, facts);
  const holding = imagesToHold(memory, facts);
  if (holding.length > maxImagesPerPod) return resultOfRefused(refused, facts);
  return { kind: 'Continue', memory: { ...refused, ...(holding.length > 0 ? { holding } : { removing: noRemovals }) } };
}

/** Continues after the pod that holds images. If it does not hold all of them, an earlier pod may do so, and must stay. */
export function continueRefused(pod: RunPod, own: ImageStates, memory: NodeMemory, facts: PullerFacts): PodResult {
  const { holding: _, ...held } = memory;
  const isHeld = hasStopped(pod) && pod.reason === undefined && [...own.values()].every(isPresent);
  return isHeld ? { kind: 'Continue', memory: { ...held, removing: noRemovals } } : resultOfRefused(held, facts);
}

/** The result on a node that is too full for pulls. An earlier part of its images may be there. */
export function resultOfRefused(memory: NodeMemory, facts: PullerFacts): PodResult {
  const { tooFull = '', removing, over } = memory;
  const removed = [...(removing?.removals.values() ?? [])].filter(({ kind }) => kind === 'Removed').length;
  const message =
    removed === 0 ? tooFull : `${tooFull}; removed what the lists do not want there any more (${removed})`;
  const cause = { reason: 'DiskTooFull', message } as const;
  if (over.length > 0) return { kind: 'Done', result: 'Failed', ...cause, tally: tallyFor(memory, facts) };
  return { kind: 'Done', result: 'Skipped', ...cause, ...(removing && { tally: tallyFor(memory, facts) }) };
}

/** The images that the node may have from earlier runs, and that no pod of this run has pulled. */
function imagesToHold(memory: NodeMemory, { run, node, earlier }: PullerFacts): readonly number[] {
  if (!run.spec.hold || node === undefined || earlier === undefined) return [];
  const left = leftByEarlier(earlier());
  const wanted = leftOn(node, run.spec, memory).flat();
  return wanted.filter(({ reference }) => left.has(reference)).map(({ index }) => index);
}

function isPresent({ state }: { readonly state: string }): boolean {
  return state === 'Present';
}
