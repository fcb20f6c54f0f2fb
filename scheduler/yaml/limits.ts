/** The limits of a YAML text. The time to read a text within the limits is proportional to its length. */
export interface YamlLimits {
  /** The length of the text, in UTF-16 code units. */
  readonly length: number;
  /** The number of lexical tokens; a line with a key and a value has seven. */
  readonly tokens: number;
  /** The maximum depth of nested collections. */
  readonly depth: number;
  /** The weight of the values. An alias has the weight of its anchor. See {@link weightOfText}. */
  readonly weight: number;
}

/**
 * The limits of a policy. The record of a run has the policy, the nodes, and the request that started the run, which
 * has at most 256 KiB. The API server accepts a ConfigMap of at most 1 MiB.
 */
export const policyLimits: YamlLimits = { length: 524_288, tokens: 100_000, depth: 64, weight: 393_216 };

/** The limits of a ConfigMap that the scheduler has written. The API server accepts at most 1 MiB. */
export const storedLimits: YamlLimits = { length: 1_048_576, tokens: 1_000_000, depth: 64, weight: 4_194_304 };

/** The limits of a file on this machine, with the manifests of many objects. */
export const fileLimits: YamlLimits = { length: 16_777_216, tokens: 4_000_000, depth: 64, weight: 67_108_864 };

/** The weight of each value in addition to its text: the indentation, a dash, the quotes, the end of the line. */
export const weightOfValue = 12;

/** The approximate number of bytes of a text in a document that is written again. */
export function weightOfText(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}
