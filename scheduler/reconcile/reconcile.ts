import type { ClusterState } from '../cluster.ts';
import type { Step } from '../journal/troubles.ts';
import type { Versioned } from '../objects.ts';
import { dueTrigger } from '../policy/due.ts';
import { earliest } from '../policy/instants.ts';
import { parseOnce } from '../policy/parse-once.ts';
import { nextPressureStart } from '../policy/pressure-trigger.ts';
import type { Trigger } from '../policy/trigger.ts';
import type { Run } from '../run/run.ts';
import { noSets } from '../sets/image-set.ts';
import { nextSetChange, setNeedsOf } from '../sets/problems.ts';
import { isOutdated, judgePolicy, nextStart, type PolicyStatus } from '../status/status.ts';
import { activeRuns, advanceRuns } from './advance.ts';
import { checkQuestions } from './ask-registries.ts';
import { attempt, wakeTimeOf } from './attempt.ts';
import { type PolicyPass, type ReconcileContext, retryTime } from './context.ts';
import { expireRuns } from './expire-runs.ts';
import { observeCleaners } from './keep-copies.ts';
import { keepStatus } from './keep-status.ts';
import { continuePurge } from './ledger/continue-purge.ts';
import { keepLedger } from './ledger/keep-ledger.ts';
import { purgeInForce } from './ledger/purge-in-force.ts';
import { settleGone } from './ledger/settle-gone.ts';
import { watchLosses } from './nodes/watch-losses.ts';
import { reportLateChanges } from './record-run.ts';
import { removeOrphans } from './remove-orphans.ts';
import { dueQuestion, isPressed, type Start, startRun } from './start-run.ts';
import { checkRight } from './startup/check-right.ts';
import { nodesWithStartupTaint, openNodes } from './startup/open-nodes.ts';

/** The key of the work on nodes with the startup taint, which wait for all policies. No policy can have this name. */
const startupKey = '/startup-taint';

/**
 * Reconciles one policy, or the nodes with the startup taint. Never rejects, and changes nothing of other policies. Returns
 * when to look again even if nothing changes, or that nothing is left to reconcile.
 */
export async function reconcile(
  context: ReconcileContext,
  name: string,
  now: Date,
): Promise<Date | undefined | 'Gone'> {
  if (name === startupKey) return openNodes(context, now);
  const state = context.cluster.state();
  const object = state.policies.find((policy) => policy.name === name);
  const journal = context.journals.forPass(name, now);
  const orphansAt = removeOrphans({ ...context, journal, state, now }, name);
  if (object === undefined) {
    context.notifier?.forget(name);
    const goneAt = await settleGone({ ...context, journal, state, now }, name);
    if (orphansAt === undefined && goneAt === undefined) context.journals.forget(name);
    return earliest([orphansAt, goneAt]) ?? 'Gone';
  }
  journal.goneSince.clear();
  journal.observe({ policies: [object], runs: runsOf(state, name) });
  const pass = { ...context, journal, state, object, parsed: parseOnce(object, context.kinds), now };
  return earliest([orphansAt, wakeTimeOf(await attempt(pass, steps.whole, () => reconcilePolicy(pass)))]);
}

/**
 * The keys of all that is to be reconciled: the names of the policies that exist, and of deleted ones that have runs, a status
 * or a ledger left; then the key of the nodes with the startup taint, if there are any.
 */
export function keysToReconcile(state: ClusterState): ReadonlySet<string> {
  const { policies, orphans = [], orphanedStatuses = [], ledgers } = state;
  const gone = [...orphans, ...orphanedStatuses, ...(ledgers?.values() ?? [])];
  const startup = nodesWithStartupTaint(state).length > 0 ? [startupKey] : [];
  return new Set([...policies.map(({ name }) => name), ...gone.map(({ policy }) => policy), ...startup]);
}

/** The steps of a pass over a policy. The failure of one does not stop the others. */
const steps = {
  whole: { what: 'look after the policy', condition: 'Ready' },
  account: { what: 'write down what is on the nodes', condition: 'Ready' },
  start: { what: 'start the run that is due', condition: 'Ready' },
  expire: { what: 'delete what has expired', condition: 'Progressing' },
  status: { what: 'write the status' },
} as const satisfies Record<string, Step>;

/**
 * Judges the policy, starts the run that is due, does the next step of its active runs, deletes expired pods and records,
 * and writes the status. A step that fails does not stop the others.
 */
async function reconcilePolicy(pass: PolicyPass): Promise<Date | undefined> {
  const stored = pass.state.statuses.get(pass.object.name);
  observeCleaners(pass);
  await reportLateChanges(pass);
  if (isOutdated(pass.object, stored)) return earliest([await advanceRuns(pass), retryTime(pass)]);
  const account = await attempt(pass, steps.account, () => keepLedger(pass));
  const accountAt = account.outcome === 'Failed' ? account.retryAt : account.value ? undefined : retryTime(pass);
  const judged = judgePolicy({ ...pass, runs: pass.journal.runs.of(pass.object.name) }, stored);
  const purge = purgeInForce(pass);
  const next = purge === undefined ? { trigger: triggerNow(pass, judged) } : await continuePurge(pass, purge);
  const start = await startWhatIsDue(pass, next.trigger);
  const advanceAt = await advanceRuns(pass, start?.outcome === 'HeldUp');
  const losses = await watchLosses(pass, stored);
  const rightAt = await checkRight(pass);
  const questionsAt = await checkQuestions(pass);
  const expired = await attempt(pass, steps.expire, () => expireRuns(pass, stored?.value));
  const kept = await attempt(pass, steps.status, () => keepStatus(pass, start, losses));
  const status = (kept.outcome === 'Done' ? kept.value : undefined) ?? judged;
  const keptAgainAt = kept.outcome === 'Failed' ? kept.retryAt : kept.value === undefined ? retryTime(pass) : undefined;
  const startAgainAt = start && retryTimeOf(pass, start);
  return earliest([
    next.at,
    accountAt,
    advanceAt,
    rightAt,
    questionsAt,
    wakeTimeOf(expired),
    keptAgainAt,
    startAgainAt,
    nextSetChangeOf(pass),
    ...nextStarts(pass, status),
  ]);
}

/** Starts the run that is due, if there is one. */
async function startWhatIsDue(pass: PolicyPass, trigger: Trigger | undefined): Promise<Start | undefined> {
  if (trigger === undefined) {
    pass.journal.troubles.clear(pass.object.uid, steps.start);
    return undefined;
  }
  const started = await attempt(pass, steps.start, () => startRun(pass, trigger));
  return started.outcome === 'Done' ? started.value : { outcome: 'Failed', retryAt: started.retryAt };
}

/** The trigger of the run that is due now, if there is one. */
function triggerNow(pass: PolicyPass, judged: PolicyStatus): Trigger | undefined {
  const { parsed, now } = pass;
  return parsed.valid ? dueTrigger(dueQuestion(pass, parsed), judged, now) : undefined;
}

/** The instant of the next try to start a run that could not start now; at once, if the obstacle is gone. */
function retryTimeOf(pass: PolicyPass, start: Start): Date | undefined {
  if ('run' in start) return undefined;
  return start.retryAt ?? (activeRuns(pass).length === 0 ? pass.now : undefined);
}

/** The instants at which the policy starts its next runs, unless something changes. */
function nextStarts(pass: PolicyPass, status: PolicyStatus): Date[] {
  const { object, parsed, now } = pass;
  if (!parsed.valid) return [];
  const { policy } = parsed;
  const pressureAt = nextPressureStart({ policy, isPressed: isPressed(pass, parsed) }, status.lastStart);
  const starts = [nextStart(status, object.name, policy), pressureAt];
  return starts.filter((start) => start !== undefined).filter((start) => start > now);
}

/** The instant at which an image set of the policy becomes too old, although nothing changes in the cluster. */
function nextSetChangeOf({ parsed, state, now }: PolicyPass): Date | undefined {
  const needs = setNeedsOf(parsed);
  return needs && nextSetChange(needs, state.imageSets ?? noSets, now);
}

const runsByPolicy = new WeakMap<ClusterState['runs'], ReadonlyMap<string, Versioned<Run>[]>>();

/** The recorded runs of a policy. They are grouped after a change of a record, not for each policy. */
function runsOf({ runs }: ClusterState, policy: string): readonly Versioned<Run>[] {
  const known = runsByPolicy.get(runs) ?? Map.groupBy(runs, ({ value }) => value.policy);
  runsByPolicy.set(runs, known);
  return known.get(policy) ?? [];
}
