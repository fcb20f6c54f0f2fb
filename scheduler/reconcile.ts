import type { ClusterState } from './cluster.ts';
import type { ReconcileContext } from './context.ts';
import { dueTrigger } from './due.ts';
import { policyRejected, runStarted } from './events.ts';
import { annotation } from './labels.ts';
import type { PolicyObject, Stored } from './objects.ts';
import { type ParsedPolicy, parsePolicy } from './policy.ts';
import { expire } from './retention.ts';
import { isFinished, newRun, type Run, type Trigger } from './run.ts';
import { advance, replaceRun } from './runner.ts';
import { isRemembered, observePolicy, type PolicyStatus, rememberRun } from './status.ts';

/** After an error everything is tried again, but not sooner. */
const retryDelayMs = 2_000;

/** One pass over everything. Returns when to come again even if nothing changes. */
export async function reconcile(context: ReconcileContext, now: Date): Promise<Date | undefined> {
  const state = context.cluster.state();
  context.journal.observe(state.runs);
  const wakes: (Date | undefined)[] = [];
  for (const object of state.policies) {
    try {
      wakes.push(await reconcilePolicy(context, state, object, now));
    } catch (error) {
      // One policy in trouble must not hold up the others.
      context.log.error(
        { policy: object.name, err: error },
        `policy ${object.name}: this pass failed and is repeated: ${messageOf(error)}`,
      );
      wakes.push(new Date(now.getTime() + retryDelayMs));
    }
  }
  return earliest(wakes);
}

/** Judges the policy, starts the run that is due, moves on the active ones, deletes what has expired. */
async function reconcilePolicy(
  context: ReconcileContext,
  state: ClusterState,
  object: PolicyObject,
  now: Date,
): Promise<Date | undefined> {
  const parsed = parsePolicy(object.name, object.data);
  const status = await judgePolicy(context, state, object, parsed, now);
  if (status === 'Conflict') return new Date(now.getTime() + retryDelayMs);
  const remembered = parsed.valid ? await startDueRun(context, object, parsed, status, now) : status;
  const wakes: (Date | undefined)[] = [remembered.nextSlot];
  for (const run of activeRuns(context, object)) wakes.push(await advance(context, state, object, run, now));
  if (parsed.valid) wakes.push(await deleteExpired(context, state, object, parsed, remembered, now));
  return earliest(wakes);
}

/** Keeps the policy's status; says so where the policy has become invalid. */
async function judgePolicy(
  context: ReconcileContext,
  state: ClusterState,
  object: PolicyObject,
  parsed: ParsedPolicy,
  now: Date,
): Promise<PolicyStatus | 'Conflict'> {
  const previous = state.statuses.get(object.name);
  const status = observePolicy(object, parsed, previous?.value, now);
  if (status === previous?.value) return status;
  if ((await context.cluster.writeStatus(object, status)) === 'Conflict') return 'Conflict';
  if (!parsed.valid) {
    const event = policyRejected(parsed.problems);
    context.log.error({ policy: object.name, problems: parsed.problems }, `policy ${object.name}: ${event.message}`);
    await context.cluster.recordEvent(object, event);
  }
  return status;
}

/** Starts the run that is due, if the concurrency policy lets it; returns the status that remembers it. */
async function startDueRun(
  context: ReconcileContext,
  object: PolicyObject,
  { policy, document }: ParsedPolicy & { valid: true },
  status: PolicyStatus,
  now: Date,
): Promise<PolicyStatus> {
  const trigger = dueTrigger(policy, object.annotations[annotation.runAt], status, now);
  if (trigger === undefined) return status;
  const active = activeRuns(context, object);
  // As with CronJob, the slot waits for the run in progress, and the latest one then starts if its deadline allows.
  if (policy.concurrencyPolicy === 'Forbid' && active.length > 0) return status;
  if (policy.concurrencyPolicy === 'Replace') for (const run of active) await replaceRun(context, object, run, now);
  const run = newRun(object.name, trigger, document, policy, now);
  const created = await context.cluster.createRun(object, run);
  const remembered = rememberRun(status, run, now);
  await context.cluster.writeStatus(object, remembered);
  context.journal.observe(context.cluster.state().runs);
  if (created === 'Created') await announceStart(context, object, run);
  return remembered;
}

async function announceStart(context: ReconcileContext, object: PolicyObject, run: Run): Promise<void> {
  const event = runStarted(run);
  context.log.info({ policy: run.policy, run: run.name, trigger: run.trigger satisfies Trigger }, event.message);
  await context.cluster.recordEvent(object, event);
}

/** Deletes pods after their TTL and records beyond the history limits, but no record that is not remembered yet. */
async function deleteExpired(
  { cluster, journal }: ReconcileContext,
  state: ClusterState,
  object: PolicyObject,
  { policy }: ParsedPolicy & { valid: true },
  status: PolicyStatus,
  now: Date,
): Promise<Date | undefined> {
  const runs = journal.runsOf(object.name).map(({ value }) => value);
  const expiry = expire(runs, state.pods, policy, now);
  for (const run of expiry.podsOf) await cluster.deletePods(run);
  for (const run of expiry.records) if (isRemembered(run, object, status)) await cluster.deleteRun(run.name);
  return expiry.wakeAt;
}

function activeRuns({ journal }: ReconcileContext, object: PolicyObject): Stored<Run>[] {
  return journal.runsOf(object.name).filter(({ value }) => !isFinished(value));
}

/** The earliest of some instants, none where there are none. */
export function earliest(instants: readonly (Date | undefined)[]): Date | undefined {
  const times = instants.filter((instant) => instant !== undefined).map((instant) => instant.getTime());
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
