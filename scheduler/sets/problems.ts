import { describeSum, type SetSize } from '../../contract/images/set-sum.ts';
import { unknownSetTime } from '../../contract/job.ts';
import { cutText } from '../../contract/text.ts';
import type { ParsedPolicy } from '../policy/parse.ts';
import { formatProblem, type Problem } from '../policy/problem.ts';
import { type ImageSet, type ImageSets, noSets } from './image-set.ts';
import { findTooLargeSum } from './sum.ts';

/** A place in a policy that names a set. */
export interface SetUse {
  /** The path of the field: `images.excludeFrom[0]`. */
  readonly path: string;
  readonly set: string;
  /** The consequence for the runs of the policy while the set can't be read. */
  readonly withoutIt: string;
}

/** The sets that a policy names. */
export interface SetNeeds {
  readonly uses: readonly SetUse[];
  /** The age past which a set counts as unreadable, in milliseconds. */
  readonly maxAgeMs?: number | undefined;
}

/** The reasons for which a set is a problem of a policy, the worst one first. */
export const setReasons = ['SetMissing', 'SetUnreadable', 'SetStale', 'SetInvalid'] as const;
export type SetReason = (typeof setReasons)[number];

/** A problem of a policy with one of its sets. The policy stays valid. */
export interface SetProblem extends Problem {
  readonly set: string;
  readonly reason: SetReason;
  /** The beginning of the message, which stays the same as long as the problem lasts. */
  readonly gist: string;
}

const maxCauseLength = 400;

/** The sets that a policy names; undefined if it names none, or is not valid. */
export function setNeedsOf(parsed: ParsedPolicy): SetNeeds | undefined {
  return parsed.valid ? parsed.kind.setsOf?.(parsed.policy) : undefined;
}

/** The problems of a policy with its sets; undefined if it names none, or is not valid. */
export function setProblemsOf(
  parsed: ParsedPolicy,
  { imageSets = noSets }: { readonly imageSets?: ImageSets | undefined },
  now: Date,
): readonly SetProblem[] | undefined {
  const needs = setNeedsOf(parsed);
  return needs && findSetProblems(needs, imageSets, now);
}

/** The problems with the sets that a policy names, in the order of its fields. */
export function findSetProblems(needs: SetNeeds, sets: ImageSets, now: Date): readonly SetProblem[] {
  const tooLarge = findSumProblem(needs.uses, sets);
  return needs.uses.flatMap((use) => [
    ...(tooLarge?.path === use.path ? [tooLarge] : []),
    ...[findProblem(use, needs.maxAgeMs, sets, now)].filter((problem) => problem !== undefined),
  ]);
}

/** The next instant at which a set becomes too old, or is no longer too far in the future, although nothing changes. */
export function nextSetChange({ uses, maxAgeMs }: SetNeeds, sets: ImageSets, now: Date): Date | undefined {
  if (maxAgeMs === undefined) return undefined;
  const instants = uses.flatMap(({ set }) => {
    const updatedAt = sets.byName.get(set)?.updatedAt?.getTime();
    return updatedAt === undefined ? [] : [updatedAt - maxAgeMs, updatedAt + maxAgeMs + 1];
  });
  const next = instants.filter((instant) => instant > now.getTime());
  return next.length === 0 ? undefined : new Date(Math.min(...next));
}

/** The times of the named sets that exist, in ISO 8601, or {@link unknownSetTime}. */
export function setTimesOf({ uses }: SetNeeds, { byName }: ImageSets): Readonly<Record<string, string>> {
  return Object.fromEntries(
    namesOf(uses).flatMap((name) => {
      const set = byName.get(name);
      return set === undefined ? [] : [[name, set.updatedAt?.toISOString() ?? unknownSetTime]];
    }),
  );
}

/** The names of the sets, each once. */
export function namesOf(uses: readonly SetUse[]): readonly string[] {
  return [...new Set(uses.map(({ set }) => set))];
}

/** The worst of the reasons. */
export function worstReason(problems: readonly Pick<SetProblem, 'reason'>[]): SetReason | undefined {
  return setReasons.find((reason) => problems.some((problem) => problem.reason === reason));
}

/** Describes problems with sets in one text. */
export function describeSetProblems(problems: readonly SetProblem[]): string {
  return problems.map(formatProblem).join('; ');
}

/** The problem of sets that are too large together, at the first field with which they are. */
function findSumProblem(uses: readonly SetUse[], { byName }: ImageSets): SetProblem | undefined {
  const found = findTooLargeSum(uses, (name) => sizeOf(byName.get(name)));
  if (found === undefined) return undefined;
  const { path, set } = found.use;
  const gist = `image set ${set} makes the sets of the policy too large`;
  const consequence =
    'nothing is removed because of them, and nothing at all with images.excludeFrom or images.includeFrom';
  const message = `${gist}: ${describeSum(found.sum)}. Until then, none of them can be read: ${consequence}`;
  return { path, set, reason: 'SetUnreadable', gist, message };
}

function sizeOf(set: ImageSet | undefined): SetSize | undefined {
  if (set?.content.kind !== 'Readable') return undefined;
  const { bytes, entries, invalidLines } = set.content;
  return { bytes, lines: entries + invalidLines };
}

function findProblem(
  { path, set, withoutIt }: SetUse,
  maxAgeMs: number | undefined,
  { place, byName }: ImageSets,
  now: Date,
): SetProblem | undefined {
  const found = (reason: SetReason, gist: string, rest: string): SetProblem => {
    const subject = `image set ${set} ${gist}`;
    return { path, set, reason, gist: subject, message: `${subject}${rest}` };
  };
  const known = byName.get(set);
  if (known === undefined) {
    const advice = 'create a ConfigMap of this name with the label nodesweep.io/kind: image-set';
    return found('SetMissing', `does not exist ${place}`, `: ${advice}. Until then, ${withoutIt}`);
  }
  const { content } = known;
  if (content.kind === 'Unreadable')
    return found('SetUnreadable', content.cause, `: ${content.advice}. Until then, ${withoutIt}`);
  const age = judgeAge(known, maxAgeMs, now);
  if (age !== undefined) return found('SetStale', age.gist, `: ${age.advice}. Until then, ${withoutIt}`);
  if (content.invalidLines === 0) return undefined;
  const cause = cutText(content.firstInvalid ?? '', maxCauseLength);
  const others = content.invalidLines === 1 ? '' : ` (the first of ${content.invalidLines})`;
  return found('SetInvalid', 'has malformed lines', `: ${cause}${others}. Correct them; the other lines count`);
}

interface AgeProblem {
  readonly gist: string;
  readonly advice: string;
}

/** A time far in the future is a mistake, with which the set would never become too old. */
function judgeAge({ updatedAt }: ImageSet, maxAgeMs: number | undefined, now: Date): AgeProblem | undefined {
  if (maxAgeMs === undefined) return undefined;
  if (updatedAt === undefined)
    return { gist: 'has an unknown age', advice: 'its annotation nodesweep.io/updated-at must be a time in ISO 8601' };
  const age = now.getTime() - updatedAt.getTime();
  const time = updatedAt.toISOString();
  if (age > maxAgeMs) {
    const advice = `its last update was at ${time}, so find out why nothing updates it`;
    return { gist: 'is older than images.maxSetAge allows', advice };
  }
  if (-age <= maxAgeMs) return undefined;
  return { gist: 'has a time in the future', advice: `${time}, so correct the clock of the program that updates it` };
}
