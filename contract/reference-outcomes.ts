import * as z from 'zod';

/** The outcome of one of the `removeReferences` of a job. */
export type ReferenceOutcome =
  /** The image was removed. */
  | { readonly kind: 'Removed' }
  /** A container uses the image. */
  | { readonly kind: 'InUse' }
  /** The image stays for another reason, one of a keep rule, of the runtime, or of the end of the run. */
  | { readonly kind: 'Kept'; readonly reason: string }
  /** No image on the node has this name. */
  | { readonly kind: 'Absent' }
  /** The image may or may not be there. */
  | { readonly kind: 'Unknown' }
  /** The runtime could not remove the image. */
  | { readonly kind: 'Failed' };

const unknown = { kind: 'Unknown' } as const;
const keptPrefix = 'Kept:';
const plainKinds = ['Removed', 'InUse', 'Absent', 'Failed'] as const;

const ranges = z.string().regex(/^\d{1,6}(?:-\d{1,6})?(?:,\d{1,6}(?:-\d{1,6})?)*$/);

/**
 * The outcomes of a list of references, in few bytes: by outcome the indexes in the list, as in `"Removed": "0-3,7"`. Kept
 * images have their reason behind the outcome, as in `Kept:Pinned`.
 */
export const referenceOutcomesSchema = z.strictObject({
  /** The number of references in the list. */
  count: z.int().nonnegative(),
  indexes: z.record(z.string(), ranges),
  /** The number of references at the end of the list whose outcome did not fit. */
  omitted: z.int().positive().optional(),
});

export type ReferenceOutcomes = z.output<typeof referenceOutcomesSchema>;

/** Encodes outcomes in the order of their references. If they need more than `maxBytes`, it omits the last ones. */
export function encodeOutcomes(outcomes: readonly ReferenceOutcome[], maxBytes: number): ReferenceOutcomes {
  const encodeFirst = (length: number): ReferenceOutcomes => {
    const omitted = outcomes.length - length;
    const indexes = encodeIndexes(outcomes.slice(0, length));
    return { count: outcomes.length, indexes, ...(omitted > 0 && { omitted }) };
  };
  let length = outcomes.length;
  let encoded = encodeFirst(length);
  while (length > 0 && byteLength(encoded) > maxBytes) {
    length = Math.floor(length * 0.9);
    encoded = encodeFirst(length);
  }
  return encoded;
}

/**
 * Decodes the outcomes of a list with `count` references, in its order. An outcome that is missing, unclear or about another
 * list is `Unknown`.
 */
export function decodeOutcomes(encoded: ReferenceOutcomes | undefined, count: number): readonly ReferenceOutcome[] {
  const outcomes = new Array<ReferenceOutcome>(count).fill(unknown);
  if (encoded?.count !== count) return outcomes;
  const seen = new Set<number>();
  for (const [key, text] of Object.entries(encoded.indexes)) {
    const outcome = parseOutcome(key);
    for (const index of parseRanges(text, count)) {
      outcomes[index] = seen.has(index) ? unknown : outcome;
      seen.add(index);
    }
  }
  return outcomes;
}

function encodeIndexes(outcomes: readonly ReferenceOutcome[]): Record<string, string> {
  const byKey = Map.groupBy(outcomes.keys(), (index) => formatOutcome(outcomes[index] ?? unknown));
  return Object.fromEntries([...byKey].map(([key, indexes]) => [key, formatRanges(indexes)]));
}

/** Formats an outcome as one word, such as `Removed` or `Kept:Pinned`. */
export function formatOutcome(outcome: ReferenceOutcome): string {
  return outcome.kind === 'Kept' ? `${keptPrefix}${outcome.reason}` : outcome.kind;
}

/** Reads the word of an outcome. An outcome of a later version is unknown. */
export function parseOutcome(key: string): ReferenceOutcome {
  if (key.startsWith(keptPrefix)) return { kind: 'Kept', reason: key.slice(keptPrefix.length) };
  const kind = plainKinds.find((plain) => plain === key);
  return kind === undefined ? unknown : { kind };
}

/** Formats ascending numbers, such as `0-3,7`. */
function formatRanges(numbers: readonly number[]): string {
  const ends = numbers.filter((number, at) => numbers[at + 1] !== number + 1);
  const starts = numbers.filter((number, at) => numbers[at - 1] !== number - 1);
  return starts.map((start, at) => (start === ends[at] ? `${start}` : `${start}-${ends[at]}`)).join(',');
}

/** The numbers of ranges below `limit`. */
function parseRanges(text: string, limit: number): readonly number[] {
  return text.split(',').flatMap((range) => {
    const [start = 0, end = start] = range.split('-').map(Number);
    const length = Math.max(0, Math.min(end + 1, limit) - start);
    return Array.from({ length }, (_, offset) => start + offset);
  });
}

function byteLength(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
