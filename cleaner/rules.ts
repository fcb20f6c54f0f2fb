import { type DiskUsage, usedPercent } from './disk-usage.ts';
import { compileGlobs } from './glob.ts';
import { type History, type ImageRecord, lastActive } from './history.ts';
import { type ImageIndex, indexImages } from './image-index.ts';
import type { Inventory } from './inventory.ts';
import type { Job } from './job.ts';
import type { KeepReason } from './keep-reason.ts';
import { findNewest } from './newest.ts';
import { splitReference } from './reference.ts';
import type { Image } from './runtime.ts';

/** Everything a decision rests on. */
export type Facts = {
  readonly job: Job;
  readonly inventory: Inventory;
  /** Updated with the inventory, so that it has a record of every image. */
  readonly history: History;
  /** References of the cleaner's own image. */
  readonly ownReferences: readonly string[];
  /** Absent where it couldn't be measured, which only a job without `disk` can do without. */
  readonly diskUsage: DiskUsage | undefined;
  readonly now: number;
};

/** Why an image has to stay, if this rule has something against its removal. */
export type KeepRule = (image: Image) => KeepReason | undefined;

/** Pause images of Kubernetes and its distributions, by the last segment of their repository. */
const pauseImage = /(?:^|\/)(?:mirrored-)?pause(?:-(?:amd64|arm64|arm|ppc64le|s390x))?$/;

/**
 * The rules of a run, strongest first: an image is kept for the first reason that applies. What runs, or is about to,
 * comes before what the policy says, so that a reason tells of the strongest protection.
 */
export function makeKeepRules(facts: Facts): readonly KeepRule[] {
  const { job, inventory, ownReferences } = facts;
  const index = indexImages(inventory.images);
  const referencesWorkloads = job.images.protectWorkloads ? job.workloadReferences : [];
  const isIncluded = compileGlobs(job.images.include);
  const isExcluded = compileGlobs(job.images.exclude);
  return [
    keep('InUse', ({ id }) => inventory.inUse.has(id)),
    keep('Pinned', isPinned(inventory, index)),
    keep('OwnImage', isReferenced(index, ownReferences)),
    keep('Starting', isReferenced(index, job.startingReferences)),
    keep('ReferencedByWorkload', isReferenced(index, referencesWorkloads)),
    keep('Prepulled', isReferenced(index, job.prepulledReferences)),
    keep('NotIncluded', ({ names }) => !isIncluded(names)),
    keep('Excluded', ({ names }) => isExcluded(names)),
    ...makeAgeRules(facts),
    keep('NewestInRepository', isNewest(facts)),
    keep('BelowThreshold', isBelowThreshold(facts)),
  ];
}

/** Whether an image is unused for longer than the policy allows, so that it goes at any disk usage. */
export function isExpired({ job, history, now }: Facts, { id }: Pick<Image, 'id'>): boolean {
  const { maxUnusedAge } = job.images;
  if (maxUnusedAge === undefined) return false;
  return now - Math.max(lastActive(recordOf(history, id)), history.startedAt) > maxUnusedAge;
}

export function recordOf(history: History, id: string): ImageRecord {
  return history.images.get(id) ?? { firstSeen: history.startedAt };
}

function keep(reason: KeepReason, applies: (image: Image) => boolean): KeepRule {
  return (image) => (applies(image) ? reason : undefined);
}

/** Not every runtime pins the pause image, and a sandbox that uses it is in no list of containers. */
function isPinned({ sandboxImage }: Inventory, index: ImageIndex): (image: Image) => boolean {
  const isSandboxImage = isReferenced(index, sandboxImage ? [sandboxImage] : []);
  return (image) =>
    image.pinned ||
    isSandboxImage(image) ||
    image.names.some((name) => pauseImage.test(splitReference(name).repository));
}

function isReferenced(index: ImageIndex, references: readonly string[]): (image: Image) => boolean {
  const ids = index(references);
  return ({ id }) => ids.has(id);
}

function makeAgeRules(facts: Facts): readonly KeepRule[] {
  const { job, history, now } = facts;
  const oldest = now - job.images.minAge;
  const hasOnlyAge = job.images.maxUnusedAge !== undefined && job.disk === undefined;
  return [
    keep('TooYoung', ({ id }) => recordOf(history, id).firstSeen > oldest),
    keep('RecentlyUsed', ({ id }) => (recordOf(history, id).lastUsed ?? 0) > oldest),
    keep('RecentlyUsed', (image) => hasOnlyAge && !isExpired(facts, image)),
  ];
}

function isNewest({ job, inventory, history }: Facts): (image: Image) => boolean {
  const { images, buildTimes } = inventory;
  const newest = findNewest(images, job.images.keepNewestPerRepository, buildTimes, history.images);
  return ({ id }) => newest.has(id);
}

function isBelowThreshold(facts: Facts): (image: Image) => boolean {
  const { job, diskUsage } = facts;
  if (job.disk === undefined) return () => false;
  const isBelow = diskUsage === undefined || usedPercent(diskUsage) < job.disk.highPercent;
  return (image) => isBelow && !isExpired(facts, image);
}
