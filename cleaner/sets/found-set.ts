/** A text of an image set, with the key of the ConfigMap that has it. */
export type SetText = { readonly key: string; readonly text: string };

/** An image set as it was found: its texts, or the reason why they can't be read. */
export type FoundSet =
  | {
      readonly name: string;
      readonly texts: readonly SetText[];
      /** The time of its last complete update, in milliseconds since the epoch. Absent if it is unknown. */
      readonly updatedAt?: number;
    }
  | { readonly name: string; readonly problem: string };
