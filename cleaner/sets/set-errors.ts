import { imageSetLineInvalid, imageSetUnreadable, type ReportError } from '../../contract/report.ts';
import { isReadable, type PolicySet, type PolicySets } from './policy-sets.ts';

/** Maximum number of lines of a set that an error shows. */
const shownLines = 3;

/**
 * The reason why image sets forbid every removal; undefined if they don't. A set of `excludeFrom` that can't be read may
 * protect any image. With `includeFrom` and no set of it that can be read, no image may go.
 */
export function findRefusal(sets: PolicySets): ReportError | undefined {
  const causes = blockingSets(sets);
  if (causes.length === 0) return undefined;
  const message = `nothing is removed: ${causes.map(describeUnreadable).join('; ')}`;
  return { reason: imageSetUnreadable, message };
}

/** The errors of image sets that forbid no removal by themselves: sets that can't be read, and lines that are not valid. */
export function describeSetErrors(sets: PolicySets): readonly ReportError[] {
  const told = new Set(blockingSets(sets).map(({ name }) => name));
  const all = uniqueByName([...sets.excludeFrom, ...sets.includeFrom, ...sets.removeFrom]);
  const unreadable = all.filter((set) => !isReadable(set) && !told.has(set.name));
  return [
    ...unreadable.map((set) => ({ reason: imageSetUnreadable, message: describeUnreadable(set) })),
    ...all.filter(({ invalidLines }) => invalidLines.length > 0).map(describeInvalidLines),
  ];
}

function blockingSets({ excludeFrom, includeFrom }: PolicySets): readonly PolicySet[] {
  const excluding = excludeFrom.filter((set) => !isReadable(set));
  const including = includeFrom.some(isReadable) ? [] : includeFrom;
  return uniqueByName([...excluding, ...including]);
}

function describeUnreadable({ name, problem = '' }: PolicySet): string {
  return `image set ${name} can't be read: ${problem}`;
}

function describeInvalidLines({ name, invalidLines }: PolicySet): ReportError {
  const shown = invalidLines
    .slice(0, shownLines)
    .map(({ key, line, message }) => `key ${key}, line ${line}: ${message}`);
  const more = invalidLines.length - shown.length;
  const rest = more === 0 ? [] : [`and ${more} more lines`];
  return { reason: imageSetLineInvalid, message: `image set ${name}, ${[...shown, ...rest].join('; ')}` };
}

function uniqueByName(sets: readonly PolicySet[]): readonly PolicySet[] {
  return [...new Map(sets.map((set) => [set.name, set])).values()];
}
