import { annotation } from '../../contract/labels.ts';
import type { Creation } from '../cluster.ts';
import type { Versioned } from '../objects.ts';
import type { DueQuestion } from '../policy/due.ts';
import type { ValidPolicy } from '../policy/parse.ts';
import type { Policy } from '../policy/policy.ts';
import type { Trigger } from '../policy/trigger.ts';
import { eligibilityFor } from '../run/rollout/eligibility.ts';
import { endRun } from '../run/rollout/end.ts';
import { advanceRun, withReserved } from '../run/rollout/rollout.ts';
import { isFinished, newRun, type Run } from '../run/run.ts';
import { activeRuns, newNodesOf, provenNodesOf, viewOf } from './advance.ts';
import { type PolicyPass, retryTime } from './context.ts';
import { deleteInBackground } from './expire-runs.ts';
import { knownDues } from './ledger/dues.ts';
import { earlierWork } from './nodes/earlier-work.ts';
import { nodesToServe, noteHolders, podsOf } from './nodes/nodes-to-serve.ts';
import { recordRun, reportChange } from './record-run.ts';

/** The result of starting a run that is due. */
export type Start =
  | { readonly outcome: 'Started' | 'AlreadyExists'; readonly run: Run }
  /** An error prevented the start. */
  | { readonly outcome: 'Failed'; readonly retryAt: Date }
  /** It waits for the runs before it to end. */
  | { readonly outcome: 'HeldUp'; readonly retryAt?: Date }
  /** A record of this name exists but is not visible: the watch is late, or it belongs to a deleted policy. */
  | { readonly outcome: 'Unseen'; readonly retryAt: Date };

/** Starts the run that is due, if the concurrency policy allows it. */
export async function startRun(pass: PolicyPass, trigger: Trigger): Promise<Start> {
  const run = plannedRun(pass, trigger);
  // A run of the same name is this one: it was started, but the status was not written.
  const others = activeRuns(pass).filter(({ value }) => value.name !== run.name);
  if (others.length > 0 && isPatient(run.spec, trigger)) return { outcome: 'HeldUp' };
  if ((run.spec.concurrencyPolicy === 'Replace' || trigger.type === 'Purge') && !(await replaceRuns(pass, others)))
    return { outcome: 'HeldUp', retryAt: retryTime(pass) };
  return createRun(pass, run);
}

/** The facts that decide if a run of a policy is due. */
export function dueQuestion(pass: PolicyPass, parsed: ValidPolicy): DueQuestion {
  const { name, annotations } = pass.object;
  return {
    name,
    policy: parsed.policy,
    request: annotations[annotation.runAt],
    isPressed: isPressed(pass, parsed),
    hasNewNodes: hasNewNodes(pass, parsed),
  };
}

/** True if a node under disk pressure can get a pod of the policy. */
export function isPressed({ state }: PolicyPass, { kind, policy }: ValidPolicy): boolean {
  if (!policy.onPressure) return false;
  const run = { kind, spec: policy, trigger: { type: 'Pressure' } } as const;
  return state.nodes.some((node) => eligibilityFor(run, node).verdict === 'Eligible');
}

/** True if a node can get a pod for work that no run has done there. An active run finds such nodes by itself. */
function hasNewNodes(pass: PolicyPass, { kind, policy }: ValidPolicy): boolean {
  if (!kind.servesNewNodes(policy)) return false;
  const runs = pass.journal.runs.of(pass.object.name);
  if (activeRuns(pass).length > 0) {
    noteHolders(pass, runs.filter(isFinished));
    return false;
  }
  const run = { kind, spec: policy, trigger: { type: 'Nodes' } } as const;
  const { nodes } = pass.state;
  const found = nodesToServe(pass, run, runs);
  return nodes.some((node) => eligibilityFor(run, node, { newNodes: found }).verdict === 'Eligible');
}

/** The first version of a run. It has the nodes of the first step, so that they need no second write of the record. */
function plannedRun(pass: PolicyPass, trigger: Trigger): Run {
  const { object, parsed, state, startTimeoutMs, now } = pass;
  if (!parsed.valid) throw new Error(`policy ${object.name} is not valid`);
  const resumedBy = object.annotations[annotation.resumeAt];
  const run = newRun({ ...parsed, policy: object.name, spec: parsed.policy, trigger, resumedBy }, now);
  const pods = podsOf(state, run);
  const view = {
    run,
    nodes: state.nodes,
    pods,
    startTimeoutMs,
    podWarnings: new Map(),
    newNodes: newNodesOf(pass, run),
    provenNodes: provenNodesOf(pass, run),
    dueOn: knownDues(pass, run).dueOn,
    earlierOn: earlierWork(pass, run),
  };
  const step = advanceRun(view, now);
  return step.reserve.length === 0 ? run : withReserved({ ...run, nodes: step.run.nodes }, step.reserve);
}

/**
 * True if a run waits for the one in progress. As with CronJob, a run for the latest scheduled time starts afterwards, if
 * its deadline allows it. Disk pressure on some nodes does not end a run that cleans all of them.
 */
function isPatient({ concurrencyPolicy }: Policy, { type }: Trigger): boolean {
  if (type === 'Purge') return false;
  return concurrencyPolicy === 'Forbid' || (concurrencyPolicy === 'Replace' && type === 'Pressure');
}

/** Ends runs so that a newer one can start; false if one of them could not be ended, so that the newer one must wait. */
export async function replaceRuns(pass: PolicyPass, runs: readonly Versioned<Run>[]): Promise<boolean> {
  let areEnded = true;
  for (const { value } of runs) {
    const isEnded = await recordRun(pass, await replaced(pass, value));
    if (isEnded) deleteInBackground(pass, value.name, () => pass.cluster.deletePods(value.name));
    areEnded &&= isEnded;
  }
  return areEnded;
}

/** The ended run. A run that only waits for nodes that are not ready ends with the results that it has. */
async function replaced(pass: PolicyPass, run: Run): Promise<Run> {
  const step = advanceRun({ ...(await viewOf(pass, run)), isAwaited: true }, pass.now);
  if (isFinished(step.run)) return step.run;
  return endRun(run, 'Replaced', 'a newer run of the policy replaced this one', pass.now);
}

async function createRun(pass: PolicyPass, run: Run): Promise<Start> {
  const { cluster, journal, object, now } = pass;
  journal.unreported.expect(run);
  const creation = await cluster.createRun(object, run);
  if (creation.outcome !== 'Created') {
    journal.unreported.take(run);
    return existingRun(pass, run, creation);
  }
  journal.runs.store(creation.run);
  journal.writes.noteWrite(creation.run, now);
  await reportChange(pass, run);
  return { outcome: 'Started', run };
}

/** The run that was started before. With an unreadable record, the status remembers at least that it was started. */
function existingRun(pass: PolicyPass, planned: Run, creation: Exclude<Creation, { outcome: 'Created' }>): Start {
  if (creation.outcome === 'Unreadable') return { outcome: 'AlreadyExists', run: planned };
  const { outcome, run } = creation;
  return run === undefined ? { outcome: 'Unseen', retryAt: retryTime(pass) } : { outcome, run: run.value };
}
