import { formatBytes } from '../../contract/bytes.ts';
import type { KeepReason } from '../../contract/keep-reason.ts';
import type { Report } from '../../contract/report.ts';

/** The words for images that are kept for a reason: "3 in use". */
const keptWords: Readonly<Record<KeepReason, string>> = {
  InUse: 'in use',
  Pinned: 'pinned',
  OwnImage: 'of nodesweep itself',
  Starting: 'about to start',
  ReferencedByWorkload: 'named by workloads',
  Prepulled: 'in image lists',
  SideLoaded: 'that no registry has',
  NotIncluded: 'not included',
  Excluded: 'excluded',
  TooYoung: 'too young',
  RecentlyUsed: 'used recently',
  NewestInRepository: 'newest of a repository',
  BelowThreshold: 'not needed for the threshold',
  NotPullable: 'that the registry lacks',
  RegistryUnknown: 'that no registry answered for',
  LastCopy: 'that may be the last copy',
  OverLimit: 'over the limit of a run',
};

/** The words for planned images that were not removed. */
const leftWords = { failed: 'not removable', skipped: 'skipped', unknown: 'perhaps still there' } as const;

/** Describes in one sentence what a cleaner did on its node: "freed 1.2 GiB on node-1: 14 images removed, 3 in use". */
export function describeReport(report: Report, node: string): string {
  const counts = [...removedWords(report), ...countLeft(report), ...countKept(report)].join(', ');
  const cause = causeOf(report);
  const details = [...(counts === '' ? [] : [counts]), ...(cause === undefined ? [] : [cause])];
  return [`${effectOf(report)} on ${node}`, ...(details.length > 0 ? [details.join('; ')] : [])].join(': ');
}

function effectOf({ outcome, images, bytes, candidates }: Report): string {
  if (candidates !== undefined) return `listed ${countImages(candidates)} that may go if registries have them`;
  if (outcome === 'DryRun')
    return `dry run: would remove ${countImages(images.total - images.kept)} (${formatBytes(bytes.nominal)})`;
  return images.removed === 0 ? 'removed nothing' : `freed ${formatBytes(bytes.freed)}`;
}

function removedWords({ images: { removed } }: Report): string[] {
  return removed === 0 ? [] : [`${countImages(removed)} removed`];
}

function countLeft({ images }: Report): string[] {
  const outcomes = ['failed', 'skipped', 'unknown'] as const;
  return outcomes.flatMap((outcome) => (images[outcome] === 0 ? [] : [`${images[outcome]} ${leftWords[outcome]}`]));
}

function countKept({ keptByReason = {} }: Report): string[] {
  const words: Readonly<Record<string, string>> = keptWords;
  return Object.entries(keptByReason).map(([reason, { images }]) => `${images} ${words[reason] ?? reason}`);
}

/** The first error, unless all work was done. Its image is in the report. */
function causeOf({ outcome, errors: [error] }: Report): string | undefined {
  if (outcome === 'Succeeded' || outcome === 'DryRun' || error === undefined) return undefined;
  return `${error.reason}: ${error.image === undefined ? '' : `${error.image}: `}${error.message}`;
}

function countImages(count: number): string {
  return count === 1 ? '1 image' : `${count} images`;
}
