import prettyMilliseconds from 'pretty-ms';
import { formatBytes } from '../../contract/bytes.ts';
import { describeSets } from '../../scheduler/cleanup/tally.ts';
import type { PolicyOverview, RunOverview } from '../../scheduler/overview/overview.ts';
import type { ImageOverview, RemovalOverview } from '../../scheduler/prepull/overview.ts';
import type { PrepullTotals } from '../../scheduler/prepull/tally.ts';
import type { NodeProblem } from '../../scheduler/run/summary.ts';
import { formatCauses, formatImageFailures } from './cause-list.ts';
import { formatSentence } from './layout/paragraph.ts';
import type { Screen } from './layout/screen.ts';
import { type Column, formatTable, type Style } from './layout/table.ts';
import { listNodes } from './list-nodes.ts';

/** The way in which a status is shown. */
export interface StatusView {
  readonly now: Date;
  readonly screen: Screen;
  /** True for all columns and full names on a terminal of any width, and a line for each node with a problem. */
  readonly isWide: boolean;
}

const none = '-';

/** One line for each policy, followed by the problems of policies that are not valid, and those with image sets. */
export function formatPolicies(policies: readonly PolicyOverview[], view: StatusView): string {
  if (policies.length === 0) return 'There are no policies';
  const problems = policies.flatMap(describeProblems).map((problem) => formatSentence(problem, view.screen));
  const table = formatTable(policyColumns(view.now), [policies], screenOf(view));
  return [table, ...(problems.length === 0 ? [] : ['', ...problems])].join('\n');
}

/** A policy, its runs, and the reasons why nodes failed or were skipped. */
export function formatDetails(policy: PolicyOverview, view: StatusView): string {
  const screen = screenOf(view);
  const { runs, images = [], removals = [] } = policy;
  const table = runs.length === 0 ? 'There are no records of runs' : formatTable(runColumns(view.now), [runs], screen);
  const ofSets = runs.slice(0, 1).flatMap((run) => formatSets(run, screen));
  const ofNodes = view.isWide ? runs.flatMap(formatProblems) : runs.flatMap((run) => formatCauses(run, screen));
  const ofImages = [...formatImages(images, screen), ...formatRemovals(removals, screen)];
  return [formatPolicies([policy], view), ...ofImages, '', table, ...ofSets, ...ofNodes].join('\n');
}

function screenOf({ screen, isWide }: StatusView): Screen {
  return isWide ? { hasColors: screen.hasColors } : screen;
}

function policyColumns(now: Date): readonly Column<PolicyOverview>[] {
  const ofLast = (format: (run: RunOverview) => string) => (policy: PolicyOverview) =>
    policy.runs[0] === undefined ? none : format(policy.runs[0]);
  return [
    { title: 'POLICY', cell: ({ policy }) => policy, shortest: 16 },
    { title: 'STATE', cell: stateOf, style: styleOfState },
    { title: 'SCHEDULE', cell: scheduleOf, shortest: 12, shortened: 'end', dropped: 1 },
    {
      title: 'NEXT',
      cell: ({ nextSlot }) => (nextSlot === undefined ? none : `in ${ageOf(nextSlot, now)}`),
      dropped: 3,
    },
    { title: 'LAST RUN', cell: ofLast(({ startedAt }) => `${ageOf(startedAt, now)} ago`), dropped: 4 },
    { title: 'OUTCOME', cell: ofLast(outcomeOf), style: ({ runs: [last] }) => last && styleOfOutcome(last) },
    { title: 'NODES', cell: ofLast(nodesOf), shortest: 26, shortened: 'end' },
    { title: 'FREED', cell: ofLast(bytesOf), dropped: 2 },
  ];
}

function runColumns(now: Date): readonly Column<RunOverview>[] {
  return [
    { title: 'RUN', cell: ({ run }) => run, shortest: 16 },
    { title: 'STARTED', cell: ({ startedAt }) => `${ageOf(startedAt, now)} ago` },
    { title: 'TOOK', cell: ({ startedAt, finishedAt = now }) => durationOf(startedAt, finishedAt), dropped: 1 },
    { title: 'OUTCOME', cell: outcomeOf, style: styleOfOutcome },
    { title: 'REASON', cell: ({ reason = none }) => reason, dropped: 2 },
    { title: 'NODES', cell: nodesOf, shortest: 26, shortened: 'end' },
    { title: 'IMAGES', cell: imagesOf, dropped: 3 },
    { title: 'FREED', cell: bytesOf, dropped: 4 },
  ];
}

function stateOf({ valid, suspended, observed }: PolicyOverview): string {
  if (!valid) return 'Invalid';
  if (suspended) return 'Suspended';
  return observed ? 'Valid' : 'Unobserved';
}

function styleOfState({ valid, suspended, observed }: PolicyOverview): Style | undefined {
  if (!valid) return 'red';
  return suspended || !observed ? 'yellow' : undefined;
}

function styleOfOutcome({ outcome, phase }: Pick<RunOverview, 'outcome' | 'phase'>): Style | undefined {
  switch (outcome) {
    case undefined:
      return phase === 'Paused' ? 'yellow' : undefined;
    case 'Succeeded':
      return 'green';
    case 'TargetNotMet':
    case 'PartiallyFailed':
      return 'yellow';
    case 'NoMatchingNodes':
    case 'NoEligibleNodes':
    case 'Failed':
      return 'red';
    default:
      return outcome satisfies never;
  }
}

function scheduleOf({ schedule, timeZone }: PolicyOverview): string {
  if (schedule === undefined) return none;
  return timeZone === undefined || timeZone === 'Etc/UTC' ? schedule : `${schedule} ${timeZone}`;
}

function outcomeOf({ phase, outcome, dryRun }: RunOverview): string {
  const word = outcome ?? phase;
  return dryRun ? `${word} (dry run)` : word;
}

/** The number of nodes that succeeded, and of the others if there are any. */
function nodesOf({ nodes }: RunOverview): string {
  const others = (['failed', 'skipped', 'active', 'pending'] as const).filter((key) => nodes[key] > 0);
  return [`${nodes.succeeded}/${nodes.desired}`, ...others.map((key) => `${nodes[key]} ${key}`)].join(', ');
}

function bytesOf({ bytes, dryRun }: RunOverview): string {
  if (bytes === undefined) return none;
  return dryRun ? `(${formatBytes(bytes.nominal)})` : formatBytes(bytes.freed);
}

function imagesOf({ images, dryRun }: RunOverview): string {
  if (images === undefined) return none;
  if ('wanted' in images) return describeWanted(images);
  return dryRun ? `${images.planned} planned` : `${images.removed} removed`;
}

function describeWanted({ present, wanted, stale, inUse }: PrepullTotals['images']): string {
  const others = [stale && `${stale} stale`, inUse && `${inUse} in use`].filter((part) => part);
  return [`${present}/${wanted} present`, ...others].join(', ');
}

const imageColumns: readonly Column<ImageOverview>[] = [
  { title: 'IMAGE', cell: ({ image }) => image, shortest: 24 },
  { title: 'LISTS', cell: ({ lists }) => lists.join(', '), shortest: 10, dropped: 2 },
  { title: 'PRESENT', cell: ({ nodes }) => `${nodes.present}/${nodes.desired}` },
  { title: 'PULLING', cell: ({ nodes }) => String(nodes.pulling), dropped: 3 },
  { title: 'STALE', cell: ({ nodes }) => String(nodes.stale), dropped: 4, style: ({ nodes }) => warnOf(nodes.stale) },
  {
    title: 'FAILED',
    cell: ({ nodes }) => String(nodes.failed),
    style: ({ nodes }) => (nodes.failed > 0 ? 'red' : undefined),
  },
  {
    title: 'DIGEST',
    cell: ({ digests }) => (digests.length > 1 ? `${digests.length} digests` : (digests[0] ?? none)),
    shortest: 20,
    shortened: 'end',
    dropped: 1,
  },
];

function warnOf(count: number): Style | undefined {
  return count > 0 ? 'yellow' : undefined;
}

/**
 * Formats the images of lists with the numbers of nodes that have them, and the reasons why others have not. An empty line is
 * before each part.
 */
export function formatImages(images: readonly ImageOverview[], screen: Screen): string[] {
  if (images.length === 0) return [];
  return ['', formatTable(imageColumns, [images], screen), ...formatImageFailures(images, screen)];
}

const removalColumns: readonly Column<RemovalOverview>[] = [
  { title: 'TO REMOVE', cell: ({ image }) => image, shortest: 24 },
  { title: 'REMOVED', cell: ({ removed }) => String(removed) },
  { title: 'IN USE', cell: ({ inUse }) => String(inUse), dropped: 3 },
  { title: 'KEPT', cell: ({ kept }) => String(kept), dropped: 2 },
  { title: 'FAILED', cell: ({ failed }) => String(failed) },
  { title: 'LEFT ON', cell: describeLeft, shortest: 12, shortened: 'end', dropped: 1 },
];

/** The images that were to be removed, with the numbers of nodes by outcome. */
function formatRemovals(removals: readonly RemovalOverview[], screen: Screen): string[] {
  return removals.length === 0 ? [] : ['', formatTable(removalColumns, [removals], screen)];
}

function describeLeft({ inUse, kept, failed, nodes }: RemovalOverview): string {
  const count = inUse + kept + failed;
  return count === 0 ? none : listNodes(nodes, count);
}

function describeProblems({ policy, problems, conditions }: PolicyOverview): string[] {
  const ofSets = conditions.filter(({ type, status }) => type === 'ImageSets' && status === 'False');
  return [
    ...problems.map(({ path, message }) => [policy, path, message].filter(Boolean).join(': ')),
    ...ofSets.map(({ message }) => `${policy}: ${message}`),
  ];
}

/** The images that a run has removed or kept because of image sets. */
function formatSets({ run, dryRun, sets }: RunOverview, screen: Screen): string[] {
  if (sets === undefined) return [];
  return ['', formatSentence(`Images because of image sets in ${run}: ${describeSets(dryRun, sets)}`, screen)];
}

const problemColumns: readonly Column<NodeProblem>[] = [
  { title: 'NODE', cell: ({ node }) => node },
  { title: 'RESULT', cell: ({ result }) => result },
  { title: 'REASON', cell: ({ reason = none }) => reason },
  { title: 'MESSAGE', cell: ({ message = none }) => message },
];

function formatProblems({ run, problems, omittedProblems }: RunOverview): string[] {
  if (problems.length === 0) return [];
  const omitted = omittedProblems === 0 ? [] : [`and ${omittedProblems} more`];
  return ['', `Nodes of ${run}:`, formatTable(problemColumns, [problems], { hasColors: false }), ...omitted];
}

/** Formats a duration in its largest unit: `3d`. */
function ageOf(from: Date, to: Date): string {
  return prettyMilliseconds(Math.abs(to.getTime() - from.getTime()), { compact: true });
}

function durationOf(from: Date, to: Date): string {
  return prettyMilliseconds(Math.max(0, to.getTime() - from.getTime()), { secondsDecimalDigits: 0, unitCount: 2 });
}
