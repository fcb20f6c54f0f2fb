/** The bounds of a YAML text. Reading one that keeps them takes a time in proportion to its length. */
export interface YamlLimits {
  /** The length of the text, in UTF-16 code units. */
  readonly length: number;
  /** The number of lexical tokens; a line with a key and a value has seven. */
  readonly tokens: number;
  /** The depth of collections in each other. */
  readonly depth: number;
  /** The weight of the values, with each alias counted as what it stands for: see {@link weightOfText}. */
  readonly weight: number;
}

/**
 * The record of a run holds its policy, and the API server takes no ConfigMap above 1 MiB: the rest is for the nodes of the
 * run, and for the request that started it, an annotation of at most 256 KiB.
 */
export const policyLimits: YamlLimits = { length: 524_288, tokens: 100_000, depth: 64, weight: 393_216 };

/** A ConfigMap that the scheduler has written: up to the 1 MiB that the API server takes. */
export const storedLimits: YamlLimits = { length: 1_048_576, tokens: 1_000_000, depth: 64, weight: 4_194_304 };

/** A file on this machine, with the manifests of many objects. */
export const fileLimits: YamlLimits = { length: 16_777_216, tokens: 4_000_000, depth: 64, weight: 67_108_864 };

/** A value of its own costs so much beside its text: indentation, a dash, quotes, the end of the line. */
export const weightOfValue = 12;

/** The number of bytes of a text in a document that is written anew, about. */
export function weightOfText(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}
