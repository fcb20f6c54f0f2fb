import { addSizes, describeSum, isTooLarge, type SetSize, sizeOfTexts } from '../../contract/images/set-sum.ts';
import type { FoundSet } from './found-set.ts';

/** The size of a set. One that can't be read has none, because it takes no memory. */
export function sizeOfSet(set: FoundSet): SetSize {
  return sizeOfTexts('problem' in set ? [] : set.texts.map(({ text }) => text));
}

/** Makes all sets unreadable if they are too large together: nobody can say which of them the policy could go without. */
export function limitSum(sets: readonly FoundSet[], sum: SetSize = addSizes(sets.map(sizeOfSet))): readonly FoundSet[] {
  if (!isTooLarge(sum)) return sets;
  const problem = describeSum(sum);
  return sets.map((set) => ('problem' in set ? set : { name: set.name, problem, isShared: true }));
}
