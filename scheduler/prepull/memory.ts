import * as z from 'zod';
import type { ImageStates } from './states/image-state.ts';
import { decodeStates, encodeStates } from './states/state-codec.ts';

/** All that a run remembers of a node beyond its newest pod. */
export interface NodeMemory {
  readonly states: ImageStates;
  /** The images of the parts that are over, present or not, by index. No further pod pulls them. */
  readonly over: readonly number[];
  /** The images that the next pod only holds: the pod that pulled them is deleted, because others of its images failed. */
  readonly holding?: readonly number[] | undefined;
}

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
});

export function encodeMemory(memory: unknown): z.input<typeof storedSchema> {
  const { states, over, holding } = memoryOf(memory);
  return {
    states: encodeStates(states),
    ...(over.length > 0 && { over: [...over] }),
    ...(holding !== undefined && { holding: [...holding] }),
  };
}

/** Decodes a memory. Throws if it is damaged. */
export function decodeMemory(stored: unknown): NodeMemory {
  const { states, over = [], holding } = storedSchema.parse(stored);
  return { states: decodeStates(states), over, ...(holding !== undefined && { holding }) };
}
