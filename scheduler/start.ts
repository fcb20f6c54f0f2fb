import { announce } from './announce.ts';
import type { ReconcileContext } from './context.ts';
import { dueTrigger } from './due.ts';
import { requestIgnored, runStarted } from './events.ts';
import { annotation } from './labels.ts';
import { changeStatus } from './memory.ts';
import type { PolicyObject, Stored } from './objects.ts';
import type { ParsedPolicy } from './policy.ts';
import { isFinished, newRun, type Run } from './run.ts';
import { replaceRun } from './runner.ts';
import { type PolicyStatus, rememberRun, withNextSlot } from './status.ts';

/** Starts the run that is due, if the concurrency policy lets it, and returns the status that remembers it. */
export async function startDueRun(
  context: ReconcileContext,
  object: PolicyObject,
  { policy, document }: ParsedPolicy & { valid: true },
  status: PolicyStatus,
  now: Date,
): Promise<PolicyStatus | 'Conflict'> {
  const { runAt, resumeAt } = annotation;
  const trigger = dueTrigger(policy, object.annotations[runAt], status, now);
  if (trigger === undefined) return status;
  const run = newRun(object.name, trigger, document, policy, object.annotations[resumeAt], now);
  // A run of that very name is this one: it was started, but the status was not written.
  const others = activeRuns(context, object).filter(({ value }) => value.name !== run.name);
  // As with CronJob, the slot waits for the run in progress, and the latest one then starts if its deadline allows.
  if (policy.concurrencyPolicy === 'Forbid' && others.length > 0) return status;
  if (policy.concurrencyPolicy === 'Replace') for (const other of others) await replaceRun(context, object, other, now);
  const created = await context.cluster.createRun(object, run);
  context.journal.observe(context.cluster.state().runs);
  const existing = context.journal.runsOf(object.name).find(({ value }) => value.name === run.name);
  // A record of that name that can't be seen is not heard of yet, or what is left of a policy that was deleted.
  if (existing === undefined) return 'Conflict';
  if (created === 'Created') await announce(context, object, runStarted(run), { run: run.name, trigger });
  else await sayIfIgnored(context, object, existing.value);
  return changeStatus(context, object, (stored) =>
    withNextSlot(rememberRun(stored?.value ?? status, run), policy, now),
  );
}

export function activeRuns({ journal }: ReconcileContext, object: PolicyObject): Stored<Run>[] {
  return journal.runsOf(object.name).filter(({ value }) => !isFinished(value));
}

/** A request that was made before, and whose run is over, starts nothing: whoever made it should know. */
async function sayIfIgnored(context: ReconcileContext, object: PolicyObject, run: Run): Promise<void> {
  if (run.trigger.type !== 'Request' || !isFinished(run)) return;
  await announce(context, object, requestIgnored(run, run.trigger.request), { run: run.name });
}
