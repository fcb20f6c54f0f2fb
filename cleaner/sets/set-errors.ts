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
  const message = `nothing is removed: ${describeUnreadable(causes).join('; ')}`;
  return { reason: imageSetUnreadable, message };
}

/** The errors of image sets that forbid no removal by themselves: sets that can't be read, and lines that are not valid. */
export function describeSetErrors(sets: PolicySets): readonly ReportError[] {
  const told = new Set(blockingSets(sets).map(({ name }) => name));
  const all = allSets(sets);
  const unreadable = all.filter((set) => !isReadable(set) && !told.has(set.name));
  return [
    ...describeUnreadable(unreadable).map((message) => ({ reason: imageSetUnreadable, message })),
    ...all.filter(({ invalidLines }) => invalidLines.length > 0).map(describeInvalidLines),
  ];
}

/** The sets that forbid every removal, and those that share their problem. */
function blockingSets(sets: PolicySets): readonly PolicySet[] {
  const excluding = sets.excludeFrom.filter((set) => !isReadable(set));
  const including = sets.includeFrom.some(isReadable) ? [] : sets.includeFrom;
  const blocking = [...excluding, ...including];
  const sharing = blocking.some(({ isShared }) => isShared) ? allSets(sets).filter(({ isShared }) => isShared) : [];
  return uniqueByName([...blocking, ...sharing]);
}

/** A problem of all sets together is told once. */
function describeUnreadable(sets: readonly PolicySet[]): readonly string[] {
  const shared = sets.filter(({ isShared }) => isShared);
  const own = sets.filter(({ isShared }) => !isShared);
  const [first] = shared;
  const names = shared.map(({ name }) => name).join(', ');
  return [
    ...(first === undefined ? [] : [`image sets ${names} can't be read: ${first.problem}`]),
    ...own.map(({ name, problem = '' }) => `image set ${name} can't be read: ${problem}`),
  ];
}

function describeInvalidLines({ name, invalidLines }: PolicySet): ReportError {
  const shown = invalidLines
    .slice(0, shownLines)
    .map(({ key, line, message }) => `key ${key}, line ${line}: ${message}`);
  const more = invalidLines.length - shown.length;
  const rest = more === 0 ? [] : [`and ${more} more lines`];
  return { reason: imageSetLineInvalid, message: `image set ${name}, ${[...shown, ...rest].join('; ')}` };
}

function allSets({ excludeFrom, includeFrom, removeFrom }: PolicySets): readonly PolicySet[] {
  return uniqueByName([...excludeFrom, ...includeFrom, ...removeFrom]);
}

function uniqueByName(sets: readonly PolicySet[]): readonly PolicySet[] {
  return [...new Map(sets.map((set) => [set.name, set])).values()];
}
