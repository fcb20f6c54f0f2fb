import { addSizes, isTooLarge, type SetSize } from '../../contract/images/set-sum.ts';

/** Sets of a policy that are too large together. */
export interface TooLargeSum<Use> {
  /** The first place in the policy with which they are. */
  readonly use: Use;
  readonly sum: SetSize;
}

/** Adds up the sets that a policy names, each once. Undefined if they are not too large. A set of unknown size counts nothing. */
export function findTooLargeSum<Use extends { readonly set: string }>(
  uses: readonly Use[],
  sizeOf: (set: string) => SetSize | undefined,
): TooLargeSum<Use> | undefined {
  const counted = new Map<string, SetSize>();
  const sums = uses.map(({ set }) => addSizes([...counted.set(set, sizeOf(set) ?? addSizes([])).values()]));
  const use = uses[sums.findIndex(isTooLarge)];
  const sum = sums.at(-1);
  return use && sum && { use, sum };
}
