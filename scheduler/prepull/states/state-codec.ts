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
  const failures = having('Failed').map(([index, { cause }]) => ({ index, ...cause }));
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

function readStates({ present = [], failed = [], pulling = [], unknown = [], words = [] }: StoredStates): ImageStates {
  const states: [number, ImageState][] = [
    ...present.map(([index, digest]): [number, ImageState] => [index, readPresent(digest)]),
    ...failed.map(([index, reason, place]): [number, ImageState] => {
      const message = place === undefined ? undefined : words[place];
      return [
        index,
        { state: 'Failed', cause: message === undefined ? { reason } : { reason, message: share(message) } },
      ];
    }),
    ...pulling.map((index): [number, ImageState] => [index, { state: 'Pulling' }]),
    ...unknown.map((index): [number, ImageState] => [index, { state: 'Unknown' }]),
  ];
  return new Map(states.sort(([one], [other]) => one - other));
}

function readPresent(digest: string | undefined): ImageState {
  return digest === undefined ? { state: 'Present' } : { state: 'Present', digest: share(digest) };
}

function share(text: string): string {
  return sharedTexts.get(text, () => text);
}
