import { linesOf } from './image-set.ts';

/** The size of image sets. */
export type SetSize = {
  /** In UTF-8. */
  readonly bytes: number;
  /** The number of lines that are neither empty nor a comment, also of malformed ones. */
  readonly lines: number;
};

/** The most that all sets of a policy may have together, each counted once: a cleaner holds them in its 256 MiB of memory. */
export const maxSetSum: SetSize = { bytes: 4 * 1024 * 1024, lines: 50_000 };

/** The next step for sets that are too large together. */
const advice = 'shorten the sets, or name fewer of them in the policy';

/** Measures the texts of a set. */
export function sizeOfTexts(texts: readonly string[]): SetSize {
  return addSizes(texts.map((text) => ({ bytes: Buffer.byteLength(text), lines: countContent(text) })));
}

/** The size of several sets together. */
export function addSizes(sizes: readonly SetSize[]): SetSize {
  return sizes.reduce((sum, { bytes, lines }) => ({ bytes: sum.bytes + bytes, lines: sum.lines + lines }), {
    bytes: 0,
    lines: 0,
  });
}

export function isTooLarge({ bytes, lines }: SetSize): boolean {
  return bytes > maxSetSum.bytes || lines > maxSetSum.lines;
}

/** Describes the sum of sets that are too large, the limit, and the next step. */
export function describeSum(sum: SetSize): string {
  return `together they have ${describe(sum)}, and the limit is ${describe(maxSetSum)}: ${advice}`;
}

function describe({ bytes, lines }: SetSize): string {
  return `${bytes} bytes and ${lines} lines`;
}

function countContent(text: string): number {
  let count = 0;
  for (const _ of linesOf(text)) count += 1;
  return count;
}
