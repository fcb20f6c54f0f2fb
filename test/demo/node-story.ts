import { styleText } from 'node:util';
import { filesize } from 'filesize';
import { bar, percentText } from './bar.ts';
import type { ImageLine } from './log-line.ts';
import type { NodeResult } from './run.ts';

const barWidth = 20;

/** The keep reasons of the cleaner that come up here, in words and in the order in which they are told. */
const reasons: Readonly<Record<string, string>> = {
  InUse: 'used by a container, running or exited',
  Prepulled: 'wanted by an image list',
  RecentlyUsed: 'used within minAge',
  TooYoung: 'younger than minAge',
  Excluded: 'excluded by the policy',
  Pinned: 'pinned: the runtime itself needs it',
};

/** All that happened on a node: the disk before and after, what went, what stayed and why. */
export function nodeStory({ node, report, images }: NodeResult): string[] {
  const sorted = images.toSorted(compareImages);
  const removed = Map.groupBy(sorted.filter(isRemoved), repositoryOf);
  const kept = Map.groupBy(
    sorted.filter((image) => !isRemoved(image)),
    whyKept,
  );
  return [
    `${styleText('bold', node)} ${diskChange(report)}`,
    ...[...removed].map(([repository, group]) => removedLine(repository, group)),
    ...[...kept].map(([reason, group]) => keptLine(reason, group)),
  ];
}

function diskChange({ filesystem, images, bytes }: NodeResult['report']): string {
  const percents = [filesystem.usedBeforeBytes, filesystem.usedAfterBytes].map(
    (usedBytes) => (100 * usedBytes) / filesystem.capacityBytes,
  );
  const freed = images.removed === 0 ? 'nothing to do' : `${filesize(bytes.freed)} freed`;
  return `${percents.map((percent) => `${percentText(percent)} ${bar(percent, barWidth)}`).join('  →')}  ${freed}`;
}

function removedLine(repository: string, images: readonly ImageLine[]): string {
  const tags = images.map((image) => shortName(image).slice(repository.length + 1));
  const bytes = images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const gone = styleText('red', `− ${repository}:${tags.join(', ')}`);
  return `   ${gone}${styleText('dim', `  removed, ${filesize(bytes)}`)}`;
}

function keptLine(reason: string, images: readonly ImageLine[]): string {
  return `   ${styleText('green', '=')} ${images.map(shortName).join(', ')}${styleText('dim', `  ${reason}`)}`;
}

function compareImages(a: ImageLine, b: ImageLine): number {
  const rank = ({ reason = '' }: ImageLine) => Object.keys(reasons).indexOf(reason);
  return rank(a) - rank(b) || shortName(a).localeCompare(shortName(b), 'en', { numeric: true });
}

function isRemoved({ outcome }: ImageLine): boolean {
  return outcome === 'removed';
}

function whyKept({ reason, outcome }: ImageLine): string {
  return reasons[reason ?? ''] ?? reason ?? outcome ?? 'unknown';
}

function repositoryOf(image: ImageLine): string {
  return shortName(image).replace(/:.*/, '');
}

/** `shop:2.4` for `docker.io/acme/shop:2.4`: the demo has no two repositories of the same name. */
function shortName({ names }: ImageLine): string {
  return (names[0] ?? '<none>').replace(/^.*\//, '');
}
