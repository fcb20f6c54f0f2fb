import { type DiskUsage, usedPercent } from '../../contract/disk-usage.ts';
import { formatDuration } from '../../contract/duration.ts';
import { compileGlobs, compileProtection } from '../../contract/images/glob.ts';
import { repositoryOf } from '../../contract/images/reference.ts';
import type { Job } from '../../contract/job.ts';
import type { KeepReason } from '../../contract/keep-reason.ts';
import { type History, type ImageRecord, lastActive } from '../history/history.ts';
import { type ImageIndex, indexProtected } from '../runtime/image-index.ts';
import type { Inventory } from '../runtime/inventory.ts';
import type { Image } from '../runtime/runtime.ts';
import type { PolicySets } from '../sets/policy-sets.ts';
import { reaches } from './bytes-above.ts';
import { findNewest } from './newest-per-repository.ts';
import { keepLastCopies, keepUnpullable } from './pullable.ts';
import { compileRemovalList } from './removal-list.ts';
import { exceptCalledFor, keepInSets, keepOutsideSets, maySetsLoseAllNames } from './set-rules.ts';

/** All facts of a decision. */
export type Facts = {
  readonly job: Job;
  /** The image sets of the job. */
  readonly sets: PolicySets;
  readonly inventory: Inventory;
  /** The history after the look, with a record of every image. */
  readonly history: History;
  /** References of the cleaner's own image. */
  readonly ownReferences: readonly string[];
  /** Absent if it could not be measured. */
  readonly diskUsage: DiskUsage | undefined;
  readonly now: number;
};

/** A rule that can keep an image. */
export type KeepRule = {
  readonly reason: KeepReason;
  /** The image set of the rule; absent if it has none. */
  readonly set?: string;
  /** An explanation if the rule keeps the image; undefined if it does not. */
  readonly findCause: (image: Image) => string | undefined;
  /** The explanation for an image that the rule does not keep. */
  readonly otherwise: string | ((image: Image) => string);
};

/** Pause images of Kubernetes and its distributions, by the last segment of their repository. */
const pauseImage = /(?:^|\/)(?:mirrored-)?pause(?:-(?:amd64|arm64|arm|ppc64le|s390x))?$/;

/**
 * The rules of a run, the strongest first. An image is kept for the first rule that applies. Rules about use come before
 * rules of the policy, so that the reason shows the strongest protection.
 */
export function makeKeepRules(facts: Facts): readonly KeepRule[] {
  const { job, sets, inventory, ownReferences } = facts;
  const { sandboxReferences } = inventory;
  const { startingReferences, prepulledReferences } = job;
  const workloadReferences = job.images.protectWorkloads ? job.workloadReferences : [];
  const index = indexProtected(
    inventory.images,
    [sandboxReferences, ownReferences, startingReferences, workloadReferences, prepulledReferences].flat(),
  );
  const unlessCalledFor = (rule: KeepRule) => exceptCalledFor(rule, sets);
  return [
    keepUsed(inventory),
    keepPinned(index(sandboxReferences)),
    keepReferenced('OwnImage', 'of the cleaner itself', index, ownReferences),
    keepReferenced('Starting', 'of a pod bound to this node', index, startingReferences),
    keepReferenced('ReferencedByWorkload', 'of a workload in the cluster', index, workloadReferences),
    keepReferenced('Prepulled', 'kept here by a pre-pull policy', index, prepulledReferences),
    ...(job.removeReferences === undefined ? [keepSideLoaded(job)] : [keepUnnamed(job.removeReferences)]),
    keepNotIncluded(job),
    ...keepOutsideSets(sets),
    keepExcluded(job),
    ...keepInSets(sets),
    // Images that are removed by name go at any age and disk usage.
    ...(job.removeReferences === undefined ? [keepYoung(facts), keepRecentlyUsed(facts)] : []).map(unlessCalledFor),
    keepNewest(facts),
    unlessCalledFor(keepBelowThreshold(facts)),
    // The last ones, so that they show only for images that would go otherwise.
    ...keepUnpullable(job),
    ...keepLastCopies(job, facts.now),
  ];
}

/** True if an image is unused for longer than the policy allows, so that it is removed at any disk usage. */
export function isExpired({ job, history, now }: Facts, image: Pick<Image, 'id'>): boolean {
  const { maxUnusedAge } = job.images;
  return maxUnusedAge !== undefined && now - unusedSince(history, image) > maxUnusedAge;
}

/**
 * Returns a function that tells if every name of an image is included by itself, and not excluded. In a job with
 * `removeReferences`, these must also name every tag.
 */
export function mayLoseAllNames({
  job: { images, removeReferences },
  sets,
}: Pick<Facts, 'job' | 'sets'>): (image: Pick<Image, 'id' | 'names'>) => boolean {
  const [isIncluded, isExcluded] = [compileGlobs(images.include), compileProtection(images.exclude)];
  const list = removeReferences && compileRemovalList(removeReferences);
  return (image) =>
    image.names.every((name) => isIncluded([name]) && !isExcluded([name])) &&
    list?.findOutside(image) === undefined &&
    maySetsLoseAllNames(sets, image);
}

/** The record of an image. An image without a record came after the latest look of the history. */
export function recordOf(history: History, { id }: Pick<Image, 'id'>): ImageRecord {
  return history.images.get(id) ?? { firstSeen: history.lookedAt };
}

/** Nothing is known of the time before the history, so an image counts as used when it began. */
function unusedSince(history: History, image: Pick<Image, 'id'>): number {
  return Math.max(lastActive(recordOf(history, image)), history.startedAt);
}

function keepUsed({ inUse }: Inventory): KeepRule {
  return {
    reason: 'InUse',
    findCause: ({ id }) => {
      const containers = inUse.get(id);
      return containers && `used by ${listSome(containers)}`;
    },
    otherwise: 'no container refers to it',
  };
}

/** Not every runtime pins the pause image, and the list of containers does not include the sandbox that uses it. */
function keepPinned(sandboxImages: ReadonlySet<string>): KeepRule {
  return {
    reason: 'Pinned',
    findCause: ({ id, names, pinned }) => {
      if (pinned) return 'pinned in the runtime';
      if (sandboxImages.has(id)) return 'the image of pod sandboxes';
      const pause = names.find((name) => pauseImage.test(repositoryOf(name)));
      return pause && `a pause image, by its name ${pause}`;
    },
    otherwise: 'neither pinned nor a pause image',
  };
}

function keepReferenced(reason: KeepReason, what: string, index: ImageIndex, references: readonly string[]): KeepRule {
  const ids = index(references);
  return { reason, findCause: ({ id }) => (ids.has(id) ? `the image ${what}` : undefined), otherwise: `not ${what}` };
}

/**
 * A runtime learns the repository digest of an image when it pulls the image. An image that only has tags was built or
 * loaded on the node, and can't be pulled again. An image without any name is a leftover.
 */
function keepSideLoaded({ images: { keepSideLoaded } }: Job): KeepRule {
  return {
    reason: 'SideLoaded',
    findCause: ({ names }) =>
      keepSideLoaded && names.length > 0 && !names.some(isByDigest)
        ? "it has no repository digest: it was not pulled from a registry, and can't be pulled again"
        : undefined,
    otherwise: keepSideLoaded ? 'it was pulled from a registry, or has no name' : 'images.keepSideLoaded is false',
  };
}

function keepUnnamed(references: readonly string[]): KeepRule {
  return {
    reason: 'NotIncluded',
    findCause: compileRemovalList(references).findOutside,
    otherwise: 'references of the job name it, and all of its tags',
  };
}

function isByDigest(name: string): boolean {
  return name.includes('@');
}

function keepNotIncluded({ images: { include } }: Job): KeepRule {
  const isIncluded = compileGlobs(include);
  const globs = include.join(', ');
  return {
    reason: 'NotIncluded',
    findCause: ({ names }) => (isIncluded(names) ? undefined : `no name matches images.include (${globs})`),
    otherwise: `matches images.include (${globs})`,
  };
}

function keepExcluded({ images: { exclude } }: Job): KeepRule {
  const isExcluded = compileProtection(exclude);
  const globs = exclude.join(', ');
  return {
    reason: 'Excluded',
    findCause: ({ names }) => (isExcluded(names) ? `a name matches images.exclude (${globs})` : undefined),
    otherwise: exclude.length === 0 ? 'images.exclude is empty' : `no name matches images.exclude (${globs})`,
  };
}

function keepYoung({ job, history, now }: Facts): KeepRule {
  const minAge = formatDuration(job.images.minAge);
  return {
    reason: 'TooYoung',
    findCause: (image) => {
      const age = now - recordOf(history, image).firstSeen;
      return age < job.images.minAge ? `first seen ${formatDuration(age)} ago, minAge is ${minAge}` : undefined;
    },
    otherwise: `older than minAge (${minAge})`,
  };
}

/** Applies within `minAge`, and also within `maxUnusedAge` if the policy removes images only by that age. */
function keepRecentlyUsed(facts: Facts): KeepRule {
  const { job, history, now } = facts;
  const { minAge, maxUnusedAge } = job.images;
  const goesByAge = maxUnusedAge !== undefined && job.disk === undefined;
  return {
    reason: 'RecentlyUsed',
    findCause: (image) => {
      const unusedMs = now - (recordOf(history, image).lastUsed ?? 0);
      if (unusedMs < minAge) return `used ${formatDuration(unusedMs)} ago, minAge is ${formatDuration(minAge)}`;
      if (!goesByAge || isExpired(facts, image)) return undefined;
      const sinceMs = now - unusedSince(history, image);
      return `unused for ${formatDuration(sinceMs)}, maxUnusedAge is ${formatDuration(maxUnusedAge)}`;
    },
    otherwise: goesByAge
      ? `unused for longer than maxUnusedAge (${formatDuration(maxUnusedAge)})`
      : `not used within minAge (${formatDuration(minAge)})`,
  };
}

function keepNewest({ job, inventory, history }: Facts): KeepRule {
  const count = job.images.keepNewestPerRepository;
  // Computed on demand, because most images are kept for another reason.
  let newest: ReadonlySet<string> | undefined;
  const isNewest = ({ id }: Image) => {
    newest ??= findNewest(inventory.images, count, inventory.details, history.images);
    return newest.has(id);
  };
  return {
    reason: 'NewestInRepository',
    findCause: (image) => (isNewest(image) ? `among the ${count} newest of its repository` : undefined),
    otherwise: count === 0 ? 'keepNewestPerRepository is 0' : `not among the ${count} newest of its repositories`,
  };
}

function keepBelowThreshold(facts: Facts): KeepRule {
  const { job, diskUsage } = facts;
  if (job.disk === undefined) {
    return { reason: 'BelowThreshold', findCause: () => undefined, otherwise: 'the policy has no disk thresholds' };
  }
  const { highPercent } = job.disk;
  const isBelow = diskUsage === undefined || !reaches(highPercent, diskUsage);
  const shown = diskUsage === undefined ? 'unknown' : `${usedPercent(diskUsage).toFixed(1)} %`;
  return {
    reason: 'BelowThreshold',
    findCause: (image) =>
      isBelow && !isExpired(facts, image) ? `disk usage is ${shown}, below highPercent (${highPercent} %)` : undefined,
    otherwise: isBelow
      ? 'unused for longer than maxUnusedAge, so disk usage does not matter'
      : `disk usage is ${shown}, not below highPercent (${highPercent} %)`,
  };
}

const shownContainers = 3;

function listSome(names: readonly string[]): string {
  const shown = names.slice(0, shownContainers).join(', ');
  return names.length > shownContainers ? `${shown} and ${names.length - shownContainers} more` : shown;
}
