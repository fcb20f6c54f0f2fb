import { announce } from './announce.ts';
import type { ReconcileContext } from './context.ts';
import { dueTrigger } from './due.ts';
import { requestIgnored, runStarted } from './events.ts';
import { annotation } from './labels.ts';
import type { PolicyObject, Stored } from './objects.ts';
import type { ParsedPolicy } from './policy.ts';
import { isFinished, newRun, type Run } from './run.ts';
import { replaceRun } from './runner.ts';
import { type PolicyStatus, rememberRun } from './status.ts';

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
  if (created === 'Created') await announce(context, object, runStarted(run), { run: run.name, trigger });
  else await sayIfIgnored(context, object, run);
  const remembered = rememberRun(status, run, now);
  return (await context.cluster.writeStatus(object, remembered)) === 'Conflict' ? 'Conflict' : remembered;
}

export function activeRuns({ journal }: ReconcileContext, object: PolicyObject): Stored<Run>[] {
  return journal.runsOf(object.name).filter(({ value }) => !isFinished(value));
}

/** A request that was made before, and whose run is over, starts nothing: whoever made it should know. */
async function sayIfIgnored(context: ReconcileContext, object: PolicyObject, { name, trigger }: Run): Promise<void> {
  const existing = context.journal.runsOf(object.name).find(({ value }) => value.name === name);
  if (trigger.type !== 'Request' || existing === undefined || !isFinished(existing.value)) return;
  await announce(context, object, requestIgnored(existing.value, trigger.request), { run: name });
}
