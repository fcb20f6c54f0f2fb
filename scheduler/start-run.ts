import { annotation } from '../contract/labels.ts';
import { replaceRun } from './advance.ts';
import { announce } from './announce.ts';
import { changeStatus } from './change-status.ts';
import type { ClusterState } from './cluster.ts';
import type { ReconcileContext } from './context.ts';
import type { Node, PolicyObject, Versioned } from './objects.ts';
import { type DueQuestion, dueTrigger } from './policy/due.ts';
import type { CleanupPolicy, ParsedPolicy } from './policy/policy.ts';
import { judgePressed } from './policy/pressure-trigger.ts';
import type { Trigger } from './policy/trigger.ts';
import { isFinished, newRun, type Run } from './run/run.ts';
import { requestIgnored, runStarted } from './status/events.ts';
import { type PolicyStatus, rememberRun, withNextSlot } from './status/status.ts';

/** Starts the run that is due, if the concurrency policy lets it, and returns the status that remembers it. */
export async function startDueRun(
  context: ReconcileContext,
  { nodes }: Pick<ClusterState, 'nodes'>,
  object: PolicyObject,
  { policy, document }: ParsedPolicy & { valid: true },
  status: PolicyStatus,
  now: Date,
): Promise<PolicyStatus | 'Conflict'> {
  const trigger = dueTrigger(dueQuestion(nodes, object, policy), status, now);
  if (trigger === undefined) return status;
  const run = newRun(object.name, trigger, document, policy, object.annotations[annotation.resumeAt], now);
  // A run of that very name is this one: it was started, but the status was not written.
  const others = activeRuns(context, object).filter(({ value }) => value.name !== run.name);
  if (others.length > 0 && isPatient(policy, trigger)) return status;
  if (policy.concurrencyPolicy === 'Replace') for (const other of others) await replaceRun(context, object, other, now);
  const created = await context.cluster.createRun(object, run);
  context.journal.observe(context.cluster.state().runs);
  const existing = context.journal.runsOf(object.name).find(({ value }) => value.name === run.name);
  // A record of that name that can't be seen is not heard of yet, or what is left of a policy that was deleted.
  if (existing === undefined) return 'Conflict';
  if (created === 'Created') await announce(context, object, runStarted(run), { run: run.name, trigger });
  else await sayIfIgnored(context, object, existing.value);
  return changeStatus(context, object, now, (stored) =>
    withNextSlot(rememberRun(stored?.value ?? status, existing.value), object.name, policy, now),
  );
}

/** What is asked of a policy: is a run of it due? */
export function dueQuestion(nodes: readonly Node[], object: PolicyObject, policy: CleanupPolicy): DueQuestion {
  const request = object.annotations[annotation.runAt];
  const isPressed = policy.onPressure && nodes.some((node) => judgePressed(node, policy.nodes).verdict === 'Eligible');
  return { name: object.name, policy, request, isPressed };
}

/**
 * Whether a run waits for the one in progress. As with CronJob, of the slots that come meanwhile the latest starts then, if its
 * deadline allows. Disk pressure on some nodes is no reason to end what cleans all of them.
 */
function isPatient({ concurrencyPolicy }: CleanupPolicy, { type }: Trigger): boolean {
  return concurrencyPolicy === 'Forbid' || (concurrencyPolicy === 'Replace' && type === 'Pressure');
}

export function activeRuns({ journal }: ReconcileContext, object: PolicyObject): Versioned<Run>[] {
  return journal.runsOf(object.name).filter(({ value }) => !isFinished(value));
}

/** A request that was made before, and whose run is over, starts nothing: whoever made it should know. */
async function sayIfIgnored(context: ReconcileContext, object: PolicyObject, run: Run): Promise<void> {
  if (run.trigger.type !== 'Request' || !isFinished(run)) return;
  await announce(context, object, requestIgnored(run, run.trigger.request), { run: run.name });
}
