import type { SetEntry } from '../contract/images/image-set.ts';

/** The result of the last complete look of a source. */
export interface SetBefore {
  /** The entries of the set as it is now. Empty if there is no set. */
  readonly entries: readonly SetEntry[];
  /** The memory that the source returned last; undefined if there is none. It may be older than the entries: a producer can be killed between both writes. */
  readonly memory: Uint8Array | undefined;
  /** The next step if the memory is damaged. Absent without a memory. */
  readonly memoryAdvice?: string;
}

/** The content of a set after a complete look. */
export interface SetContent {
  /** In any order. If several entries name the same image, the first of them counts. */
  readonly entries: readonly SetEntry[];
  /** The data that the source needs at its next look. Without it, the memory stays as it is. */
  readonly memory?: Uint8Array | undefined;
  /** Words for the end of the line about the result, such as the images about which the source knows nothing. */
  readonly note?: string | undefined;
}

/** A source of an image set. */
export interface SetSource {
  /** The name of the source in messages and in the first line of the set, without secrets. */
  readonly description: string;
  /** Reads the source completely, or rejects with a message that names the next step: then nothing is written. */
  read(before: SetBefore, signal: AbortSignal): Promise<SetContent>;
}
