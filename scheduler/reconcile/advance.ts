import pMap from 'p-map';
import { annotation } from '../../contract/labels.ts';
import { callConcurrency } from '../cluster.ts';
import { describeTrouble } from '../journal/troubles.ts';
import { writeIntervalMs } from '../journal/write-pacing.ts';
import type { RunPod, Versioned } from '../objects.ts';
import { earliest } from '../policy/instants.ts';
import { provenNodes } from '../run/results/last-results.ts';
import type { RunView } from '../run/rollout/candidate.ts';
import { endRun, resumeRun } from '../run/rollout/end.ts';
import { maxCallsPerStep } from '../run/rollout/nodes-to-start.ts';
import { advanceRun, type RolloutStep, withReserved } from '../run/rollout/rollout.ts';
import { isFinished, type Run } from '../run/run.ts';
import { troubleOnRecord, withTrouble } from '../run/run-trouble.ts';
import { askRegistries } from './ask-registries.ts';
import { attempt, wakeTimeOf } from './attempt.ts';
import { type PolicyPass, retryTime } from './context.ts';
import { deletePods } from './delete-pods.ts';
import { type KnownDues, knownDues, reportUnknownDues } from './ledger/dues.ts';
import { noteStart } from './ledger/keep-ledger.ts';
import { earlierWork } from './nodes/earlier-work.ts';
import { nodesToServe, podsOf } from './nodes/nodes-to-serve.ts';
import { observeEnds } from './nodes/observe-ends.ts';
import { recordRun } from './record-run.ts';
import { ensureJob, refuseStarts, startPods } from './start-pods.ts';

/**
 * Does the next step of each active run of the policy, and returns when to look again. The failure of one run does not
 * delay the others. `isAwaited` is true if a newer run waits for them.
 */
export async function advanceRuns(pass: PolicyPass, isAwaited = false): Promise<Date | undefined> {
  const wakes: (Date | undefined)[] = [];
  for (const run of activeRuns(pass)) {
    const { name } = run.value;
    const step = { what: `move run ${name} on`, run: name, condition: 'Progressing' } as const;
    wakes.push(wakeTimeOf(await attempt(pass, step, () => advance(pass, run, isAwaited))));
  }
  return earliest(wakes);
}

export function activeRuns({ journal, object }: Pick<PolicyPass, 'journal' | 'object'>): Versioned<Run>[] {
  return journal.runs.versionsOf(object.name).filter(({ value }) => !isFinished(value));
}

/**
 * Does the next step of an active run, and returns when to look again. It decides, writes the record, then acts: it
 * starts and stops only pods that the record allows. The process that wrote the record last continues without another
 * write. A process that takes over (after a restart, or another replica) writes the record first, and fails if its
 * version is not the newest.
 */
async function advance(pass: PolicyPass, { value }: Versioned<Run>, isAwaited: boolean): Promise<Date | undefined> {
  const { journal, object, now } = pass;
  const recorded = journal.runs.recordOf(value.name);
  if (recorded === undefined) return undefined;
  if (value.damage !== undefined) return endUnreadable(pass, value, value.damage);
  const run = resumeRun(value, object.annotations[annotation.resumeAt]);
  // A node that is not ready gets its own run later, if the kind serves new nodes.
  const isPatient = !isAwaited && !run.kind.servesNewNodes(run.spec);
  const dues = knownDues(pass, run);
  const view = { ...(await viewOf(pass, run, dues)), isAwaited: !isPatient };
  const step = withCause(pass, value, advanceRun(view, now));
  await reportUnknownDues(pass, run, dues);
  const write = journal.writes.writeFor(step, recorded, now);
  const isDue = write.at !== undefined && write.at <= now;
  if (write.isFirst && !isDue) {
    journal.runs.advance(step.run);
    observeEnds(pass, value, step.run, view);
    return write.at;
  }
  const job = step.start.length > 0 ? await ensureJob(pass, run) : undefined;
  if (job?.kind === 'TooLarge') {
    await recordRun(pass, endRun(run, 'JobTooLarge', job.message, now));
    return now;
  }
  const reserved = withReserved(step.run, step.reserve);
  const nodes = step.start.map(({ node }) => node);
  if (!(await noteStart(pass, reserved, nodes))) return retryTime(pass);
  if (!isDue) journal.runs.advance(reserved);
  else if (!(await recordRun(pass, reserved))) return new Date(now.getTime() + writeIntervalMs);
  observeEnds(pass, value, reserved, view);
  const retryAt =
    job?.kind === 'Refused'
      ? await refuseStarts(pass, reserved, step.start, job.error)
      : await startPods(pass, reserved, step.start);
  const stopAgainAt = await stopPods(pass, run, isDue || write.isCurrent ? [...step.stop, ...step.tidy] : step.stop);
  return earliest([step.wakeAt, retryAt, stopAgainAt, isDue ? undefined : write.at]);
}

/** Ends a run if this version can't read all of its record: the run can't continue, and would be active for ever. */
async function endUnreadable(pass: PolicyPass, run: Run, damage: string): Promise<Date> {
  const message = `${damage}; the next run begins with the policy as it is now`;
  const isRecorded = await recordRun(pass, endRun(run, 'RecordUnreadable', message, pass.now));
  return isRecorded ? pass.now : retryTime(pass);
}

/** The step of a run with the current error of the run; after a restart, with the error in the record. */
function withCause({ journal, object }: PolicyPass, before: Run, step: RolloutStep): RolloutStep {
  const [trouble] = journal.troubles.of(object.uid).filter(({ run }) => run === before.name);
  const onRecord = journal.troubles.isKnown(object.uid, before.name) ? undefined : troubleOnRecord(before);
  return { ...step, run: withTrouble(step.run, trouble ? describeTrouble(trouble) : onRecord) };
}

/** Deletes pods that their nodes no longer need; returns when to try again, if that failed. */
async function stopPods(pass: PolicyPass, { name }: Run, pods: readonly string[]): Promise<Date | undefined> {
  if (pods.length === 0) return undefined;
  const step = { what: `delete pods of run ${name}`, run: name, condition: 'Progressing' } as const;
  const stopped = await attempt(pass, step, () => deletePods(pass.cluster, pods));
  return stopped.outcome === 'Failed' ? stopped.retryAt : undefined;
}

/** The facts that decide the next step of a run. */
export async function viewOf(pass: PolicyPass, run: Run, dues: KnownDues = knownDues(pass, run)): Promise<RunView> {
  const { state, journal, startTimeoutMs } = pass;
  const pods = podsOf(state, run);
  // Late pods mostly have the same cause.
  const late = pods.filter((pod) => isLate(pass, pod, run)).slice(0, maxCallsPerStep);
  const podWarnings = await pMap(late, async ({ name }) => [name, await readPodWarning(pass, name)] as const, {
    concurrency: callConcurrency,
  });
  const known = podWarnings.flatMap(([pod, warning]) => (warning === undefined ? [] : [[pod, warning] as const]));
  const heldUntil = journal.creation.heldUntil(run.name);
  return {
    run,
    nodes: state.nodes,
    pods,
    startTimeoutMs,
    podWarnings: new Map(known),
    newNodes: newNodesOf(pass, run),
    provenNodes: provenNodesOf(pass, run),
    dueOn: dues.dueOn,
    earlierOn: earlierWork(pass, run),
    isAsking: askRegistries(pass, run),
    heldUntil,
  };
}

/** For a run over new nodes: the nodes that the other runs of the policy have not served. */
export function newNodesOf(pass: PolicyPass, run: Run): ReadonlySet<string> | undefined {
  if (run.trigger.type !== 'Nodes') return undefined;
  const others = pass.journal.runs.of(run.policy).filter(({ name }) => name !== run.name);
  return nodesToServe(pass, run, others);
}

/** For a run with canaries: the nodes on which the run before has succeeded. */
export function provenNodesOf({ journal }: PolicyPass, { name, policy, spec }: Run): ReadonlySet<string> | undefined {
  if (spec.rollout.canary === 0) return undefined;
  return provenNodes(journal.runs.of(policy).filter((run) => run.name !== name));
}

/** Reads why a pod does not start. If it can't be read, the pod is given up all the same. */
async function readPodWarning({ cluster, log }: PolicyPass, pod: string): Promise<string | undefined> {
  try {
    return await cluster.readPodWarning(pod);
  } catch (error) {
    log.warn({ pod, err: error }, `could not read why pod ${pod} does not start: ${String(error)}`);
    return undefined;
  }
}

function isLate({ startTimeoutMs, now }: PolicyPass, pod: RunPod, run: Run): boolean {
  const isSettled = run.nodes.get(pod.node)?.state === 'Settled';
  return !isSettled && pod.phase === 'Pending' && now.getTime() - pod.createdAt.getTime() >= startTimeoutMs;
}
