import prettyMilliseconds from 'pretty-ms';
import { formatBytes } from '../../contract/bytes.ts';
import type { PolicyOverview, RunOverview } from '../../scheduler/overview/overview.ts';
import type { ImageFailure, ImageOverview, RemovalOverview } from '../../scheduler/prepull/overview.ts';
import type { PrepullTotals } from '../../scheduler/prepull/tally.ts';
import { formatTable } from './table.ts';

const none = '-';

/** One line for each policy, followed by the problems of policies that are not valid. */
export function formatPolicies(policies: readonly PolicyOverview[], now: Date): string {
  if (policies.length === 0) return 'There are no policies';
  const titles = ['POLICY', 'STATE', 'SCHEDULE', 'NEXT', 'LAST RUN', 'OUTCOME', 'NODES', 'FREED'];
  const table = formatTable([titles, ...policies.map((policy) => formatPolicy(policy, now))]);
  return [table, ...policies.flatMap(describeProblems)].join('\n');
}

/** A policy, its runs, and the reasons why nodes failed or were skipped. */
export function formatDetails(policy: PolicyOverview, now: Date): string {
  const titles = ['RUN', 'STARTED', 'TOOK', 'OUTCOME', 'REASON', 'NODES', 'IMAGES', 'FREED'];
  const runs = policy.runs.map((run) => formatRun(run, now));
  const table = runs.length === 0 ? 'There are no records of runs' : formatTable([titles, ...runs]);
  const images = [...formatImages(policy.images ?? []), ...describeRemovals(policy.removals ?? [])];
  return [formatPolicies([policy], now), ...images, '', table, ...policy.runs.flatMap(describeNodes)].join('\n');
}

function formatPolicy(policy: PolicyOverview, now: Date): string[] {
  const { nextSlot, runs } = policy;
  const [last] = runs;
  return [
    policy.policy,
    stateOf(policy),
    scheduleOf(policy),
    nextSlot === undefined ? none : `in ${ageOf(nextSlot, now)}`,
    last === undefined ? none : `${ageOf(last.startedAt, now)} ago`,
    last === undefined ? none : outcomeOf(last),
    last === undefined ? none : nodesOf(last),
    last === undefined ? none : bytesOf(last),
  ];
}

function stateOf({ valid, suspended, observed }: PolicyOverview): string {
  if (!valid) return 'Invalid';
  if (suspended) return 'Suspended';
  return observed ? 'Valid' : 'Unobserved';
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

function formatRun(run: RunOverview, now: Date): string[] {
  return [
    run.run,
    `${ageOf(run.startedAt, now)} ago`,
    durationOf(run.startedAt, run.finishedAt ?? now),
    outcomeOf(run),
    run.reason ?? none,
    nodesOf(run),
    imagesOf(run),
    bytesOf(run),
  ];
}

/**
 * Formats the images of lists with the numbers of nodes that have them, and the reasons why others have not. An empty line is
 * before each table.
 */
export function formatImages(images: readonly ImageOverview[]): string[] {
  if (images.length === 0) return [];
  const titles = ['IMAGE', 'LISTS', 'PRESENT', 'PULLING', 'STALE', 'FAILED', 'DIGEST'];
  const rows = images.map(({ image, lists, nodes, digests }) => [
    image,
    lists.join(', '),
    `${nodes.present}/${nodes.desired}`,
    String(nodes.pulling),
    String(nodes.stale),
    String(nodes.failed),
    digests.length > 1 ? `${digests.length} digests` : (digests[0] ?? none),
  ]);
  const failures = images.flatMap(({ image, failures }) => failures.map((failure) => formatFailure(image, failure)));
  const failed =
    failures.length === 0 ? [] : ['', formatTable([['IMAGE', 'STATE', 'REASON', 'NODES', 'MESSAGE'], ...failures])];
  return ['', formatTable([titles, ...rows]), ...failed];
}

function formatFailure(image: string, { state, reason, message, count, nodes }: ImageFailure): string[] {
  return [image, state, reason, listNodes(nodes, count), message ?? none];
}

/** The images that were to be removed, with the numbers of nodes by outcome. */
function describeRemovals(removals: readonly RemovalOverview[]): string[] {
  if (removals.length === 0) return [];
  const titles = ['TO REMOVE', 'REMOVED', 'IN USE', 'KEPT', 'FAILED', 'LEFT ON'];
  const rows = removals.map(({ image, removed, inUse, kept, failed, nodes }) => [
    image,
    ...[removed, inUse, kept, failed].map(String),
    listNodes(nodes, inUse + kept + failed),
  ]);
  return ['', formatTable([titles, ...rows])];
}

/** The names of some nodes, and the number of the others. */
function listNodes(nodes: readonly string[], count: number): string {
  if (count === 0) return none;
  const omitted = count > nodes.length ? [`and ${count - nodes.length} more`] : [];
  return [...nodes, ...omitted].join(', ');
}

function describeProblems({ policy, problems }: PolicyOverview): string[] {
  return problems.map(({ path, message }) => [policy, path, message].filter(Boolean).join(': '));
}

function describeNodes({ run, problems, omittedProblems }: RunOverview): string[] {
  if (problems.length === 0) return [];
  const rows = problems.map(({ node, result, reason, message }) => [node, result, reason ?? none, message ?? none]);
  const omitted = omittedProblems === 0 ? [] : [`and ${omittedProblems} more`];
  return ['', `Nodes of ${run}:`, formatTable([['NODE', 'RESULT', 'REASON', 'MESSAGE'], ...rows]), ...omitted];
}

/** Formats a duration in its largest unit: `3d`. */
function ageOf(from: Date, to: Date): string {
  return prettyMilliseconds(Math.abs(to.getTime() - from.getTime()), { compact: true });
}

function durationOf(from: Date, to: Date): string {
  return prettyMilliseconds(Math.max(0, to.getTime() - from.getTime()), { secondsDecimalDigits: 0, unitCount: 2 });
}
