import * as z from 'zod';
import type { ImageState, ImageStates } from './image-state.ts';
import { type PullCause, pullReasons } from './reasons.ts';
import { SharedValues } from './shared-values.ts';

const index = z.int().nonnegative();

/** The states of the images of a node in a record, by index. An absent list is empty. */
const storedSchema = z.strictObject({
  /** The images that are present, some with their digests. */
  present: z.array(z.union([z.tuple([index]), z.tuple([index, z.string()])])).optional(),
  /** The images with a failure: the reason, and the place of its words in `words`. */
  failed: z
    .array(z.union([z.tuple([index, z.enum(pullReasons)]), z.tuple([index, z.enum(pullReasons), index])]))
    .optional(),
  /** Those of the failed images that are on the node from an earlier pull, some with their digests. */
  stale: z.array(z.union([z.tuple([index]), z.tuple([index, z.string()])])).optional(),
  /** Those of the failed images that are known not to be on the node. */
  absent: z.array(index).optional(),
  pulling: z.array(index).optional(),
  unknown: z.array(index).optional(),
  words: z.array(z.string()).optional(),
});

export type StoredStates = z.input<typeof storedSchema>;

/** The number of different words of failures that a record has for one node. The other failures have only their reason. */
const maxWords = 5;

/** Encodes states. Equal states have equal texts. */
export function encodeStates(states: ImageStates): StoredStates {
  const sorted = [...states].sort(([one], [other]) => one - other);
  const having = <State extends ImageState['state']>(wanted: State) =>
    sorted.filter((entry): entry is [number, Extract<ImageState, { state: State }>] => entry[1].state === wanted);
  const failures = sorted.flatMap(([index, state]) => ('cause' in state ? [{ index, ...state.cause }] : []));
  const words = [...new Set(failures.map(({ message = '' }) => message))]
    .filter((text) => text !== '')
    .slice(0, maxWords);
  return {
    ...nonEmpty(
      'present',
      having('Present').map(([index, { digest }]) => (digest === undefined ? [index] : [index, digest])),
    ),
    ...nonEmpty(
      'failed',
      failures.map((failure) => encodeFailure(failure, words)),
    ),
    ...nonEmpty(
      'stale',
      having('Stale').map(([index, { digest }]) => (digest === undefined ? [index] : [index, digest])),
    ),
    ...nonEmpty(
      'absent',
      having('Failed').flatMap(([index, { isAbsent }]) => (isAbsent ? [index] : [])),
    ),
    ...nonEmpty(
      'pulling',
      having('Pulling').map(([index]) => index),
    ),
    ...nonEmpty(
      'unknown',
      having('Unknown').map(([index]) => index),
    ),
    ...nonEmpty('words', words),
  };
}

function nonEmpty<Key extends keyof StoredStates>(key: Key, list: NonNullable<StoredStates[Key]>): StoredStates {
  return list.length === 0 ? {} : { [key]: list };
}

function encodeFailure(
  { index, reason, message = '' }: PullCause & { readonly index: number },
  words: readonly string[],
): NonNullable<StoredStates['failed']>[number] {
  const place = words.indexOf(message);
  return place === -1 ? [index, reason] : [index, reason, place];
}

/** Nodes with equal states share them. 500 are enough for the different states in one record, and soon garbage otherwise. */
const sharedStates = new SharedValues<ImageStates>(500);
const sharedTexts = new SharedValues<string>(2_000);

/** Decodes states. Throws if they are damaged. */
export function decodeStates(stored: unknown): ImageStates {
  return sharedStates.get(JSON.stringify(stored), () => readStates(storedSchema.parse(stored)));
}

function readStates(stored: StoredStates): ImageStates {
  const { present = [], failed = [], pulling = [], unknown = [], words = [] } = stored;
  const stale = new Map(stored.stale?.map(([index, digest]) => [index, digest]));
  const absent = new Set(stored.absent);
  const states: [number, ImageState][] = [
    ...present.map(([index, digest]): [number, ImageState] => [index, { state: 'Present', ...readDigest(digest) }]),
    ...failed.map(([index, reason, place]): [number, ImageState] => {
      const message = place === undefined ? undefined : words[place];
      const cause: PullCause = message === undefined ? { reason } : { reason, message: share(message) };
      if (stale.has(index)) return [index, { state: 'Stale', cause, ...readDigest(stale.get(index)) }];
      return [index, { state: 'Failed', cause, ...(absent.has(index) && { isAbsent: true }) }];
    }),
    ...pulling.map((index): [number, ImageState] => [index, { state: 'Pulling' }]),
    ...unknown.map((index): [number, ImageState] => [index, { state: 'Unknown' }]),
  ];
  return new Map(states.sort(([one], [other]) => one - other));
}

function readDigest(digest: string | undefined): { readonly digest?: string } {
  return digest === undefined ? {} : { digest: share(digest) };
}

function share(text: string): string {
  return sharedTexts.get(text, () => text);
}
