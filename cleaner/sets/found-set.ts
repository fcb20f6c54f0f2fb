/** A text of an image set, with the key of the ConfigMap that has it. */
export type SetText = { readonly key: string; readonly text: string };

/** An image set whose texts were read. */
export type ReadSet = {
  readonly name: string;
  readonly texts: readonly SetText[];
  /** The time of its last complete update, in milliseconds since the epoch. Absent if it is unknown. */
  readonly updatedAt?: number;
};

/** An image set that can't be read. */
export type UnreadableSet = {
  readonly name: string;
  /** The reason. */
  readonly problem: string;
  /** True if the problem is that of all sets together. */
  readonly isShared?: boolean;
};

/** An image set as it was found: its texts, or the reason why they can't be read. */
export type FoundSet = ReadSet | UnreadableSet;
