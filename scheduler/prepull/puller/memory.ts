import * as z from 'zod';
import { decodeRemovals, encodeRemovals, type Removals, storedRemovalsSchema } from '../removal/removals.ts';
import type { ImageStates } from '../states/image-state.ts';
import { decodeStates, encodeStates } from '../states/state-codec.ts';

/** All that a run remembers of a node beyond its newest pod. */
export interface NodeMemory {
  readonly states: ImageStates;
  /** The images of the parts that are over, present or not, by index. No further pod pulls them. */
  readonly over: readonly number[];
  /** The images that the next pod only holds: the pod that pulled them is deleted, because others of its images failed. */
  readonly holding?: readonly number[] | undefined;
  /** The removal of images, once it has begun. */
  readonly removing?: Removing | undefined;
  /** The message about the disk, if it is too full for a pull: then the run only removes images. */
  readonly tooFull?: string | undefined;
}

/** A removal of images from a node that goes on. */
export interface Removing {
  /** The numbers of the pods that found images in use. */
  readonly tries: readonly number[];
  /** The outcomes so far. */
  readonly removals: Removals;
}

/** A removal that has no pod yet. */
export const noRemovals: Removing = { tries: [], removals: new Map() };

/** The memory about a node without a pod. */
export const noMemory: NodeMemory = { states: new Map(), over: [] };

/** The memory from the engine, which does not know its type. */
export function memoryOf(known: unknown): NodeMemory {
  return known === undefined ? noMemory : (known as NodeMemory);
}

const indexes = z.array(z.int().nonnegative());
const storedSchema = z.strictObject({
  states: z.unknown(),
  over: indexes.optional(),
  holding: indexes.optional(),
  removing: z.strictObject({ tries: indexes, removals: storedRemovalsSchema }).optional(),
  tooFull: z.string().optional(),
});

export function encodeMemory(memory: unknown): z.input<typeof storedSchema> {
  const { states, over, holding, removing, tooFull } = memoryOf(memory);
  return {
    states: encodeStates(states),
    ...(over.length > 0 && { over: [...over] }),
    ...(holding !== undefined && { holding: [...holding] }),
    ...(removing && { removing: encodeRemoving(removing) }),
    ...(tooFull !== undefined && { tooFull }),
  };
}

function encodeRemoving({ tries, removals }: Removing): z.input<typeof storedSchema>['removing'] {
  return { tries: [...tries], removals: encodeRemovals(removals) };
}

/** Decodes a memory. Throws if it is damaged. */
export function decodeMemory(stored: unknown): NodeMemory {
  const { states, over = [], holding, removing, tooFull } = storedSchema.parse(stored);
  return {
    states: decodeStates(states),
    over,
    ...(holding !== undefined && { holding }),
    ...(removing && { removing: { ...removing, removals: decodeRemovals(removing.removals) } }),
    ...(tooFull !== undefined && { tooFull }),
  };
}
