/** An image set and the memory of its producer, as they are stored. */
export interface StoredSet {
  /** The text of the set; undefined if there is no set. */
  readonly text: string | undefined;
  /** The packed memory; undefined if there is none. */
  readonly memory: Uint8Array | undefined;
  /** The next step if the memory is damaged. Absent if this store has none. */
  readonly memoryAdvice?: string;
}

/** The result of a write: a conflict if somebody else has written since the last read. Then nothing was written. */
export type WriteResult = 'Written' | 'Conflict';

/** The place of one image set. */
export interface SetStore {
  /** The name of the place in messages. */
  readonly description: string;
  /** Reads the set and the memory. Rejects with a {@link ForeignObjectError} if the place is taken by something else. */
  read(): Promise<StoredSet>;
  /** Replaces the text that was read last, and the time of the last complete look, in one write. */
  writeText(text: string, updatedAt: Date): Promise<WriteResult>;
  /** Replaces the memory that was read last. */
  writeMemory(memory: Uint8Array): Promise<WriteResult>;
}

/** The place of a set is taken by an object that this producer has not written. */
export class ForeignObjectError extends Error {
  override readonly name = 'ForeignObjectError';
}
