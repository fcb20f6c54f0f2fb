import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import * as z from 'zod';
import { annotation } from '../../contract/labels.ts';
import type { StoredStatus } from '../cluster.ts';
import type { Trouble } from '../journal/troubles.ts';
import { type Finding, toldAfter } from '../notifications/told.ts';
import type { PolicyObject } from '../objects.ts';
import { missedScheduledTime, startDelayMs, upcomingScheduledTime } from '../policy/due.ts';
import type { ParsedPolicy } from '../policy/parse.ts';
import type { Policy } from '../policy/policy.ts';
import { briefProblems } from '../policy/problem.ts';
import type { KnownLosses } from '../run/results/losses.ts';
import { lastSuccessOf } from '../run/results/verdict.ts';
import type { Run } from '../run/run.ts';
import type { SetProblem } from '../sets/problems.ts';
import { readStored } from '../yaml/read.ts';
import { conditionSchema, conditionsOf } from './conditions.ts';
import type { Damage } from './damage.ts';

const instant = z.iso.datetime().transform((text) => new Date(text));
const problemSchema = z.object({ path: z.string(), message: z.string() });

const statusSchema = z.object({
  version: z.literal(1),
  policyUid: z.string(),
  observedVersion: z.string(),
  valid: z.boolean(),
  problems: z.array(problemSchema).default([]),
  schedule: z.string().optional(),
  scheduleSince: instant,
  lastSlot: instant.optional(),
  nextSlot: instant.optional(),
  lastRun: z.string().optional(),
  lastRequest: z.string().optional(),
  pendingRequest: z.string().optional(),
  ignoredRequests: z.array(z.string()).optional(),
  lastStart: instant.optional(),
  lastSuccessfulTime: instant.optional(),
  missedSlot: instant.optional(),
  lastKept: z.object({ kind: z.string(), kept: z.unknown().optional() }).optional(),
  losses: z
    .object({
      run: z.string(),
      seen: z.array(z.object({ node: z.string(), what: z.string(), times: z.int().positive() })).readonly(),
    })
    .optional(),
  startupTimeoutSeconds: z.number().optional(),
  notified: z.record(z.string(), z.string()).optional(),
  conditions: z.array(conditionSchema).optional(),
});

/**
 * The facts about a policy that its runs don't have. Users read them too.
 *
 * `policyUid`: a new policy of the same name starts afresh. `observedVersion`: the version that was judged last.
 * `schedule` and `scheduleSince`: the schedule as it is evaluated, and since when: after an edit, no run starts for earlier
 * scheduled times. `lastSlot` and `nextSlot`: the last scheduled time for which a run was started, and the next one.
 * `lastRequest`: the last value of `nodesweep.io/run-at` that was acted on; `pendingRequest`: the one that waits;
 * `ignoredRequests`: the latest that newer ones replaced before a run started. `lastStart`: when the last run began.
 * `lastSuccessfulTime`: the end of the last run for all nodes in which every node succeeded or was skipped.
 * `missedSlot`: the last scheduled time for which no run started in time. `lastKept`: the images that the policy keeps on
 * nodes, of its last version that was valid, with its kind; without `kept` if it was lost with a damaged status. `losses`:
 * what nodes had lost before the last runs, up to the run of this name, with the number of runs in a row that found it lost.
 * `startupTimeoutSeconds`: the time for which nodes with the startup taint wait for the policy, of its last version that was
 * valid. `notified`: the bad states of which people were told, by subject.
 */
export type PolicyStatus = Omit<z.output<typeof statusSchema>, 'version'>;

/** The allowed difference between the clocks of replicas and of the API server. */
const clockSkewMs = 300_000;

/** The findings of a pass about a policy. */
export interface Findings {
  readonly object: PolicyObject;
  readonly parsed: ParsedPolicy;
  /** The runs of the policy that have a record. */
  readonly runs: readonly Run[];
  /** The run that the pass started, or that it found already started. */
  readonly started?: Run | undefined;
  /** Requests that newer ones replaced, and that this process has not handled before. */
  readonly replacedRequests?: readonly string[] | undefined;
  /** The current errors of the steps of the policy and of its runs. */
  readonly troubles?: readonly Trouble[] | undefined;
  /** The request of the purge that is in force, if there is one. */
  readonly purged?: string | undefined;
  /** The things that nodes had lost before the last runs. */
  readonly losses?: KnownLosses | undefined;
  /** The news of which people were told, and that the stored status may not have. */
  readonly delivered?: readonly Finding[] | undefined;
  /** The problems with the image sets of the policy; undefined if it names none. */
  readonly setProblems?: readonly SetProblem[] | undefined;
  /** The records of the policy that can't be read. */
  readonly unreadable?: readonly Damage[] | undefined;
  readonly now: Date;
}

type Stored = StoredStatus | undefined;

/** The status that decides which run is due. It includes the current policy and the facts of the records. */
export function judgePolicy(found: Findings, stored: Stored): PolicyStatus {
  return rememberRecords(observePolicy(found, stored), found.runs, found.now);
}

/** The status with all findings of a pass. Returns the stored object itself if nothing is new. */
export function statusOf(found: Findings, stored: Stored): PolicyStatus {
  const { object, parsed, started, now } = found;
  const judged = judgePolicy(found, stored);
  const remembered = withNotified(
    withLosses(
      withRequests(started === undefined ? judged : rememberRun(judged, started), judged.lastRequest, found),
      found,
    ),
    found,
  );
  return withConditions(
    withLastSuccess(parsed.valid ? withScheduledTimes(remembered, object.name, parsed.policy, now) : remembered, found),
    found,
    stored?.damage,
  );
}

/**
 * Starts a new status from now if the stored one can't be read or comes from the future: earlier scheduled times must not
 * run again.
 */
function observePolicy(found: Findings, stored: Stored): PolicyStatus {
  const { object, parsed, now } = found;
  const before = stored?.value?.policyUid === object.uid && !isFromFuture(stored.value, now) ? stored.value : undefined;
  // The version before of nodesweep may have judged the policy otherwise.
  if (before?.observedVersion === object.resourceVersion && before.valid === parsed.valid) return before;
  const isLost = before === undefined && stored !== undefined && (stored.value?.policyUid ?? object.uid) === object.uid;
  const known = before ?? { policyUid: object.uid, scheduleSince: isLost ? now : object.createdAt };
  const observed = {
    ...known,
    observedVersion: object.resourceVersion,
    lastKept: lastKeptOf(found, stored),
    startupTimeoutSeconds: parsed.valid
      ? parsed.kind.startup?.timeoutSecondsOf(parsed.policy)
      : before?.startupTimeoutSeconds,
  };
  if (!parsed.valid)
    return { ...observed, valid: false, problems: briefProblems(parsed.problems), nextSlot: undefined };
  const schedule = scheduleKey(parsed.policy);
  // A known policy with a new schedule starts with it now, also if it was never valid before.
  // The status of a valid policy may lack the schedule, because an earlier version wrote it.
  const isNew =
    before !== undefined && before.schedule !== schedule && !(before.valid && before.schedule === undefined);
  const scheduleSince = isNew ? now : known.scheduleSince;
  const nextSlot = upcomingScheduledTime(
    { name: object.name, policy: parsed.policy },
    { ...observed, scheduleSince },
    now,
  );
  return { ...observed, valid: true, problems: [], schedule, scheduleSince, nextSlot };
}

/**
 * The images that the policy keeps on nodes. While it is not valid, they are those of its last valid version. If the status
 * with them is damaged, they are unknown.
 */
function lastKeptOf({ object, parsed }: Findings, stored: Stored): PolicyStatus['lastKept'] {
  if (parsed.valid)
    return parsed.kind.keeping && { kind: parsed.kind.name, kept: parsed.kind.keeping.keptBy(parsed.policy) };
  if (stored === undefined) return undefined;
  if (stored.value !== undefined) return stored.value.policyUid === object.uid ? stored.value.lastKept : undefined;
  const kind = parsed.kinds.find(({ keeping }) => keeping !== undefined);
  return kind && { kind: kind.name };
}

/** The status with the next scheduled time, and with a missed one. */
function withScheduledTimes(status: PolicyStatus, name: string, policy: Policy, now: Date): PolicyStatus {
  return withMissedScheduledTime(
    withNextScheduledTime(status, name, policy, now),
    missedScheduledTime({ name, policy }, status, now),
  );
}

const maxIgnoredRequests = 10;

/** The status with the request that waits for its run, and with the requests that never get a run. */
function withRequests(
  status: PolicyStatus,
  lastRequest: string | undefined,
  { object, runs, replacedRequests = [] }: Findings,
): PolicyStatus {
  const request = object.annotations[annotation.runAt];
  const acted = new Set([request, lastRequest, status.lastRequest, ...runs.map(({ trigger }) => requestOf(trigger))]);
  const before = (status.ignoredRequests ?? []).filter((value) => !acted.has(value));
  const replaced = new Set([
    ...replacedRequests,
    ...(status.pendingRequest === undefined ? [] : [status.pendingRequest]),
  ]);
  const ignored = [...replaced].filter((value) => !acted.has(value) && !before.includes(value));
  const pendingRequest = request === status.lastRequest ? undefined : request;
  if (ignored.length === 0 && pendingRequest === status.pendingRequest) return status;
  const ignoredRequests = [...before, ...ignored].slice(-maxIgnoredRequests);
  return { ...status, pendingRequest, ...(ignoredRequests.length > 0 && { ignoredRequests }) };
}

/** The status with the last success, which outlives the records of the runs. */
function withLastSuccess(status: PolicyStatus, { runs }: Findings): PolicyStatus {
  const last = lastSuccessOf(runs);
  return last === undefined || last <= (status.lastSuccessfulTime ?? 0)
    ? status
    : { ...status, lastSuccessfulTime: last };
}

function withNotified(status: PolicyStatus, { delivered = [] }: Findings): PolicyStatus {
  const notified = toldAfter(status.notified ?? {}, delivered);
  return isDeepStrictEqual(notified, status.notified ?? {}) ? status : { ...status, notified };
}

function withLosses(status: PolicyStatus, { losses }: Findings): PolicyStatus {
  return losses === undefined || isDeepStrictEqual(losses, status.losses) ? status : { ...status, losses };
}

function requestOf(trigger: Run['trigger']): string | undefined {
  return trigger.type === 'Request' ? trigger.request : undefined;
}

/** The status with the conditions that follow from it, from the runs of the policy, and from their errors. */
function withConditions(
  status: PolicyStatus,
  { runs, now, troubles, unreadable, purged, setProblems }: Findings,
  lostStatus: Damage | undefined,
): PolicyStatus {
  const conditions = conditionsOf({ ...status, unreadable, lostStatus, purged, setProblems }, runs, now, troubles);
  return conditions === status.conditions ? status : { ...status, conditions };
}

/**
 * True if the status is of a newer version of the policy than the one that this process sees: its watch is late, or another
 * replica is ahead.
 */
export function isOutdated({ uid, resourceVersion }: PolicyObject, stored: Stored): boolean {
  if (stored?.value?.policyUid !== uid) return false;
  const versions = [resourceVersion, stored.value.observedVersion];
  // Only versions that are numbers, as those of Kubernetes, have an order.
  if (!versions.every((version) => /^\d+$/.test(version))) return false;
  return BigInt(resourceVersion) < BigInt(stored.value.observedVersion);
}

/** The status with the next scheduled time, if the stored one has passed. */
function withNextScheduledTime(status: PolicyStatus, name: string, policy: Policy, now: Date): PolicyStatus {
  const start = nextStart(status, name, policy);
  return start === undefined || start > now
    ? status
    : { ...status, nextSlot: upcomingScheduledTime({ name, policy }, status, now) };
}

/** The status with a scheduled time for which no run started in time, if it is a new one. */
function withMissedScheduledTime(status: PolicyStatus, scheduledTime: Date | undefined): PolicyStatus {
  return scheduledTime === undefined || (status.missedSlot ?? 0) >= scheduledTime
    ? status
    : { ...status, missedSlot: scheduledTime };
}

/** The instant at which the run for the next scheduled time starts. */
export function nextStart({ nextSlot }: PolicyStatus, name: string, policy: Policy): Date | undefined {
  return nextSlot && new Date(nextSlot.getTime() + startDelayMs(name, policy));
}

/** The status after a run was started. It keeps what it has of later runs. */
function rememberRun(status: PolicyStatus, run: Run): PolicyStatus {
  const { name, trigger } = run;
  const start = startOf(run);
  const lastStart = status.lastStart !== undefined && status.lastStart >= start ? status.lastStart : start;
  if (trigger.type === 'Request') return { ...status, lastRun: name, lastRequest: trigger.request, lastStart };
  if (trigger.type === 'Schedule' && (status.lastSlot === undefined || status.lastSlot < trigger.slot))
    return { ...status, lastRun: name, lastSlot: trigger.slot, lastStart };
  return lastStart === status.lastStart ? status : { ...status, lastRun: name, lastStart };
}

/** The start of a run. It is always later than `after`, or the next run would have the same name. */
function startOf({ trigger, startedAt }: Run): Date {
  return 'after' in trigger && trigger.after >= startedAt ? new Date(trigger.after.getTime() + 1) : startedAt;
}

/**
 * The status with the facts of all records: if a run was started and the status was not written, its scheduled time is not
 * due again. Requests are not taken from the records: a user who repeats an old request gets an Event.
 */
function rememberRecords(status: PolicyStatus, runs: readonly Run[], now: Date): PolicyStatus {
  return runs
    .filter(
      ({ trigger, startedAt }) => trigger.type !== 'Request' && startedAt.getTime() <= now.getTime() + clockSkewMs,
    )
    .reduce(rememberRun, status);
}

/** True if the status has the run's scheduled time or request. Without it, deleting the record would start the run again. */
export function isRemembered({ trigger }: Run, object: PolicyObject, status: PolicyStatus): boolean {
  if (trigger.type === 'Purge') return true;
  if (trigger.type === 'Schedule') return status.lastSlot !== undefined && trigger.slot <= status.lastSlot;
  if ('after' in trigger) return status.lastStart !== undefined && trigger.after < status.lastStart;
  return object.annotations[annotation.runAt] !== trigger.request || status.lastRequest === trigger.request;
}

export function encodeStatus(status: PolicyStatus): Record<string, string> {
  return { 'status.yaml': stringify(JSON.parse(JSON.stringify({ version: 1, ...status }))) };
}

/** Reads a stored status. Throws if it is damaged. */
export function decodeStatus(data: Readonly<Record<string, string>>): PolicyStatus {
  const { version: _, ...status } = statusSchema.parse(readStored(data['status.yaml'] ?? ''));
  return status;
}

function isFromFuture({ lastSlot, lastStart, missedSlot, scheduleSince }: PolicyStatus, now: Date): boolean {
  const instants = [scheduleSince, lastSlot, lastStart, missedSlot].map((instant) => instant?.getTime() ?? 0);
  const latest = Math.max(...instants);
  return latest > now.getTime() + clockSkewMs;
}

/** All values that decide which instants are scheduled times. After a change, no run starts for earlier ones. */
function scheduleKey(policy: Policy): string {
  return [policy.schedule, policy.timeZone, policy.suspend ? 'suspended' : 'active'].join(' ');
}
