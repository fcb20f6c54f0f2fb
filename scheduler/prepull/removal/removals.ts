import * as z from 'zod';
import type { KeepReason } from '../../../contract/keep-reason.ts';
import { formatOutcome, parseOutcome, type ReferenceOutcome } from '../../../contract/reference-outcomes.ts';

/** The outcomes of the references that a run had to take away from a node. */
export type Removals = ReadonlyMap<string, ReferenceOutcome>;

/** Outcomes in a record: the references by the word of their outcome. */
export const storedRemovalsSchema = z.record(z.string(), z.array(z.string()));

export function encodeRemovals(removals: Removals): z.input<typeof storedRemovalsSchema> {
  const byWord = Map.groupBy(removals, ([, outcome]) => formatOutcome(outcome));
  return Object.fromEntries([...byWord].map(([word, entries]) => [word, entries.map(([reference]) => reference)]));
}

export function decodeRemovals(stored: z.output<typeof storedRemovalsSchema>): Removals {
  return new Map(
    Object.entries(stored).flatMap(([word, references]) =>
      references.map((reference): [string, ReferenceOutcome] => [reference, parseOutcome(word)]),
    ),
  );
}

/** Adds the outcomes of a further try. An image that a try before has removed is absent now, and counts as removed. */
export function addRemovals(before: Removals, now: Removals): Removals {
  const newer = [...now].filter(
    ([reference, { kind }]) => kind !== 'Absent' || before.get(reference)?.kind !== 'Removed',
  );
  return new Map([...before, ...newer]);
}

/** True if no image has this name on the node any more. */
export function isGone({ kind }: ReferenceOutcome): boolean {
  return kind === 'Removed' || kind === 'Absent';
}

/** Reasons to keep an image that a further try at the next refresh would mostly find again. */
const lastingReasons: ReadonlySet<string> = new Set<KeepReason | 'ImageUnreadable' | 'HasChildren'>([
  'Pinned',
  'OwnImage',
  'ReferencedByWorkload',
  'Prepulled',
  'NotIncluded',
  'Excluded',
  'ImageUnreadable',
  'HasChildren',
]);

/** True if the image stays for a reason that mostly lasts. */
export function isKeptForLong(outcome: ReferenceOutcome): boolean {
  return outcome.kind === 'Kept' && lastingReasons.has(outcome.reason);
}

/** True if the image is used, or a pod is about to use it, so that it may be removed later. */
export function isUsed(outcome: ReferenceOutcome): boolean {
  return outcome.kind === 'InUse' || (outcome.kind === 'Kept' && outcome.reason === 'Starting');
}
