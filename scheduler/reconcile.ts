import pMap from 'p-map';
import { advance } from './advance.ts';
import { announce } from './announce.ts';
import { changeStatus } from './change-status.ts';
import { type ClusterState, callConcurrency } from './cluster.ts';
import type { ReconcileContext } from './context.ts';
import type { PolicyObject, Versioned } from './objects.ts';
import { missedSlot } from './policy/due.ts';
import { earliest } from './policy/instants.ts';
import { type ParsedPolicy, parsePolicy } from './policy/policy.ts';
import { nextPressureStart } from './policy/pressure-trigger.ts';
import { expire } from './run/retention.ts';
import { activeRuns, dueQuestion, startDueRun } from './start-run.ts';
import { policyRejected, slotMissed } from './status/events.ts';
import {
  isOutdated,
  isRemembered,
  nextStart,
  observePolicy,
  type PolicyStatus,
  rememberRecords,
  withConditions,
  withMissedSlot,
  withNextSlot,
} from './status/status.ts';

/** After an error, or when somebody else was faster, everything is decided anew, but not sooner. */
const retryDelayMs = 2_000;

/** One pass over everything; never rejects. Returns when to come again even if nothing changes. */
export async function reconcile(context: ReconcileContext, now: Date): Promise<Date | undefined> {
  const state = context.cluster.state();
  context.journal.observe(state.runs);
  const wakes: (Date | undefined)[] = [];
  for (const object of state.policies) {
    try {
      wakes.push(await reconcilePolicy(context, state, object, now));
    } catch (error) {
      // One policy in trouble must not hold up the others.
      const message = `policy ${object.name}: this pass failed and is repeated: ${String(error)}`;
      context.log.error({ policy: object.name, err: error }, message);
      wakes.push(new Date(now.getTime() + retryDelayMs));
    }
  }
  return earliest(wakes);
}

/** Moves on the active runs, judges the policy, starts and moves on what is due, deletes what has expired. */
async function reconcilePolicy(
  context: ReconcileContext,
  state: ClusterState,
  object: PolicyObject,
  now: Date,
): Promise<Date | undefined> {
  const parsed = parseOnce(object);
  const wakes: (Date | undefined)[] = [];
  const advanced = new Set<string>();
  const advanceRuns = async () => {
    for (const run of activeRuns(context, object)) {
      if (!advanced.has(run.value.name)) wakes.push(await advance(context, state, object, run, now));
      advanced.add(run.value.name);
    }
  };
  await advanceRuns();
  const status = await keepStatus(context, state, object, parsed, now);
  if (status === 'Conflict') return new Date(now.getTime() + retryDelayMs);
  await advanceRuns();
  wakes.push(await deleteExpired(context, object, parsed, status, now));
  return earliest([...wakes, ...nextStarts(state, object, parsed, status).filter((start) => start > now)]);
}

/** Judges the policy, starts what is due, and returns the status that tells of it. */
async function keepStatus(
  context: ReconcileContext,
  state: ClusterState,
  object: PolicyObject,
  parsed: ParsedPolicy,
  now: Date,
): Promise<PolicyStatus | 'Conflict'> {
  const judged = await judgePolicy(context, state, object, parsed, now);
  if (judged === 'Conflict') return judged;
  const started = parsed.valid ? await startDueRun(context, state, object, parsed, judged, now) : judged;
  if (started === 'Conflict') return started;
  const missed = parsed.valid ? missedSlot({ name: object.name, policy: parsed.policy }, started, now) : undefined;
  const bringUpToDate = (status: PolicyStatus) =>
    parsed.valid ? withMissedSlot(withNextSlot(status, object.name, parsed.policy, now), missed) : status;
  const runs = context.journal.knownRuns(object.name);
  if (withConditions(bringUpToDate(started), runs, now) === started) return started;
  const status = await changeStatus(context, object, now, (stored) => bringUpToDate(stored?.value ?? started));
  const isNews = status !== 'Conflict' && status.missedSlot?.getTime() !== started.missedSlot?.getTime();
  if (isNews) await sayMissed(context, object, parsed, status);
  return status;
}

/** Tells of the slot that was left out: nothing else would show it. */
async function sayMissed(
  context: ReconcileContext,
  object: PolicyObject,
  parsed: ParsedPolicy,
  { missedSlot: slot }: PolicyStatus,
): Promise<void> {
  if (slot === undefined || !parsed.valid) return;
  const active = activeRuns(context, object).map(({ value }) => value.name);
  await announce(context, object, slotMissed(slot, parsed.policy.startingDeadlineSeconds, active), { slot });
}

/** Says so where the policy has become invalid. */
async function judgePolicy(
  context: ReconcileContext,
  state: ClusterState,
  object: PolicyObject,
  parsed: ParsedPolicy,
  now: Date,
): Promise<PolicyStatus | 'Conflict'> {
  const runs = context.journal.knownRuns(object.name);
  const judge = (stored: Versioned<PolicyStatus | undefined> | undefined) =>
    isOutdated(object, stored) ? 'Conflict' : rememberRecords(observePolicy(object, parsed, stored, now), runs, now);
  const before = state.statuses.get(object.name);
  const judged = judge(before);
  if (judged === 'Conflict' || judged === before?.value) return judged;
  const status = await changeStatus(context, object, now, judge);
  if (!parsed.valid && before?.value?.observedVersion !== object.resourceVersion && status !== 'Conflict')
    await announce(context, object, policyRejected(parsed.problems), { problems: parsed.problems });
  return status;
}

/** When the policy starts a run of its own accord, unless something changes. */
function nextStarts({ nodes }: ClusterState, object: PolicyObject, parsed: ParsedPolicy, status: PolicyStatus): Date[] {
  if (!parsed.valid) return [];
  const question = dueQuestion(nodes, object, parsed.policy);
  const starts = [nextStart(status, object.name, parsed.policy), nextPressureStart(question, status.lastStart)];
  return starts.filter((start) => start !== undefined);
}

/** Deletes pods after their TTL and records beyond the history limits, but no record that is not remembered yet. */
async function deleteExpired(
  { cluster, journal, background }: ReconcileContext,
  object: PolicyObject,
  parsed: ParsedPolicy,
  status: PolicyStatus,
  now: Date,
): Promise<Date | undefined> {
  const runs = journal.knownRuns(object.name);
  // As it is by now: what this pass has deleted already is not deleted again.
  const { pods } = cluster.state();
  const expiry = expire(runs, pods, parsed.valid ? parsed.policy : undefined, now);
  if (expiry.leftovers.length > 0)
    background.begin(`delete what the runs of policy ${object.name} have left`, async () => {
      await pMap(expiry.leftovers, (pod) => cluster.deletePod(pod), { concurrency: callConcurrency });
    });
  for (const run of expiry.podsOf) background.begin(`delete the pods of run ${run}`, () => cluster.deletePods(run));
  for (const run of expiry.records) if (isRemembered(run, object, status)) await cluster.deleteRun(run.name);
  const isUnderWay = expiry.leftovers.length + expiry.podsOf.length > 0;
  return isUnderWay ? new Date(now.getTime() + retryDelayMs) : expiry.wakeAt;
}

const parsedPolicies = new WeakMap<PolicyObject['data'], ParsedPolicy>();

/** A policy object is parsed when it is new, not at every pass. */
function parseOnce(object: PolicyObject): ParsedPolicy {
  const known = parsedPolicies.get(object.data);
  if (known !== undefined) return known;
  const parsed = parsePolicy(object.name, object.data);
  parsedPolicies.set(object.data, parsed);
  return parsed;
}
