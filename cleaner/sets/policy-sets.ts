import { formatDuration } from '../../contract/duration.ts';
import { parseImageSet, parseSetTime, type SetProblem } from '../../contract/images/image-set.ts';
import { compileImageSet } from '../../contract/images/set-matcher.ts';
import type { Job } from '../../contract/job.ts';
import { memoize } from '../../contract/memoize.ts';
import type { Image } from '../runtime/runtime.ts';
import type { FoundSet, ReadSet, SetText } from './found-set.ts';
import { limitSum } from './limit-sum.ts';

export type NamedImage = Pick<Image, 'id' | 'names'>;

/** The first line of a set that names an image. */
export type SetHit = {
  readonly set: string;
  readonly key: string;
  /** The number of the line, from 1. */
  readonly line: number;
  /** The reference, digest or glob of the line. */
  readonly entry: string;
  readonly reason?: string;
};

/** A line of a set that names no image. */
export type InvalidLine = SetProblem & { readonly key: string };

/** An image set that a policy names in one of its fields. */
export type PolicySet = {
  readonly name: string;
  /** The reason why the set can't be read. Such a set finds nothing. */
  readonly problem?: string;
  /** True if the problem is that of all sets together. */
  readonly isShared?: boolean;
  readonly invalidLines: readonly InvalidLine[];
  /** Returns the line that names an image; undefined if none does. */
  readonly find: (image: NamedImage) => SetHit | undefined;
};

/** The fields of a policy that name image sets. */
export const setFields = ['includeFrom', 'excludeFrom', 'removeFrom'] as const;
export type SetField = (typeof setFields)[number];

/** The image sets of a policy, by field. */
export type PolicySets = Readonly<Record<SetField, readonly PolicySet[]>>;

/** The fields of a job that are about image sets. */
type SetsJob = Pick<Job, 'images' | 'setTimes'>;

const missing =
  'there is no such image set, or it has no keys: create its ConfigMap, or take its name out of the policy';

/** The names of all image sets of a job, each once. */
export function namesOfSets({ images }: Pick<Job, 'images'>): readonly string[] {
  return [...new Set(setFields.flatMap((field) => images[field]))];
}

/**
 * Compiles the image sets of a job at the time `now`. A set that was not found can't be read, like one that is too old, and like
 * all sets if they are too large together.
 */
export function compileSets(job: SetsJob, found: readonly FoundSet[], now: number): PolicySets {
  const byName = new Map(limitSum(found).map((set) => [set.name, set]));
  const find = (name: string): FoundSet => {
    const set = byName.get(name) ?? { name, problem: missing };
    const problem = 'problem' in set ? undefined : findAgeProblem(set, job, now);
    return problem === undefined ? set : { name, problem };
  };
  // Several fields may name one set, and a compiled set takes memory.
  const compile = memoize(
    (name: string) => compileSet(find(name)),
    (name) => name,
  );
  const { includeFrom, excludeFrom, removeFrom } = job.images;
  return {
    includeFrom: includeFrom.map((name) => compile(name)(false)),
    excludeFrom: excludeFrom.map((name) => compile(name)(true)),
    removeFrom: removeFrom.map((name) => compile(name)(false)),
  };
}

/** A set for a field that protects, or for another one. */
type CompiledSet = (protects: boolean) => PolicySet;

/** The first line that names an image, in the order of the sets; undefined if none does. */
export function findInSets(sets: readonly PolicySet[], image: NamedImage): SetHit | undefined {
  for (const { find } of sets) {
    const hit = find(image);
    if (hit !== undefined) return hit;
  }
  return undefined;
}

/** True if a set can be read. */
export function isReadable({ problem }: PolicySet): boolean {
  return problem === undefined;
}

function compileSet(set: FoundSet): CompiledSet {
  if (!('problem' in set)) return compileTexts(set.name, set.texts);
  const unreadable = { ...set, invalidLines: [], find: () => undefined };
  return () => unreadable;
}

function compileTexts(name: string, texts: readonly SetText[]): CompiledSet {
  const parsed = texts.map(({ key, text }) => ({ key, ...parseImageSet(text) }));
  const matchers = parsed.map(({ key, entries }) => ({ key, match: compileImageSet(entries) }));
  const invalidLines = parsed.flatMap(({ key, problems }) => problems.map((problem) => ({ key, ...problem })));
  const find = (image: NamedImage, protects: boolean): SetHit | undefined => {
    for (const { key, match } of matchers) {
      const entry = match(image, protects);
      if (entry === undefined) continue;
      const { line, reason } = entry;
      return { set: name, key, line, entry: entry.image, ...(reason !== undefined && { reason }) };
    }
    return undefined;
  };
  return (protects) => ({ name, invalidLines, find: (image) => find(image, protects) });
}

/** The time in the job is the one that the scheduler saw. By hand there is none, and a set has the time of its files. */
function findAgeProblem(set: ReadSet, job: SetsJob, now: number): string | undefined {
  const { maxSetAge } = job.images;
  if (maxSetAge === undefined) return undefined;
  const updatedAt = job.setTimes === undefined ? set.updatedAt : parseSetTime(timeOf(job.setTimes, set.name));
  const limit = `images.maxSetAge is ${formatDuration(maxSetAge)}`;
  if (updatedAt === undefined)
    return `its age is unknown, and ${limit}: its ConfigMap needs the annotation nodesweep.io/updated-at`;
  const age = now - updatedAt;
  if (age > maxSetAge) return `its last update was ${formatDuration(age)} ago, and ${limit}: check what updates it`;
  if (-age > maxSetAge)
    return `its last update is ${formatDuration(-age)} in the future, and ${limit}: check the clocks of the node and of what updates it`;
  return undefined;
}

/** A set may have the name of a property of every object. */
function timeOf(times: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(times, name) ? times[name] : undefined;
}
