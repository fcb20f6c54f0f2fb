import pMap from 'p-map';
import { announce } from './announce.ts';
import type { ClusterState } from './cluster.ts';
import type { ReconcileContext } from './context.ts';
import { runFinished, runPaused } from './events.ts';
import { earliest } from './instants.ts';
import { writeIntervalMs } from './journal.ts';
import { annotation } from './labels.ts';
import type { RunView } from './node-progress.ts';
import type { CleanerPod, Node, PolicyObject, Stored } from './objects.ts';
import { advanceRun, endRun, type RolloutStep, resumeRun, withRefused, withStarted } from './rollout.ts';
import { isFinished, jobOf, type Run } from './run.ts';

/** Requests that create pods go out side by side, so many at once. */
const createConcurrency = 20;

/**
 * Moves an active run on by one step and returns when to look again: decide, record, then act. Only what is on record is
 * started or stopped, so whoever decides on an older record, a scheduler that was replaced or another replica, does neither.
 */
export async function advance(
  context: ReconcileContext,
  state: ClusterState,
  object: PolicyObject,
  stored: Stored<Run>,
  now: Date,
): Promise<Date | undefined> {
  const run = resumeRun(stored.value, object.annotations[annotation.resumeAt]);
  const step = advanceRun(await viewOf(context, state, run, now), now);
  if (step.start.length > 0) await ensureJob(context, run);
  if (!(await record(context, object, stored, step, now))) return new Date(now.getTime() + writeIntervalMs);
  const retryAt = await startPods(context, step, now);
  await pMap(step.stop, (pod) => context.cluster.deletePod(pod), { concurrency: createConcurrency });
  return earliest([step.wakeAt, retryAt]);
}

/** Ends a run in favour of a newer one. */
export async function replaceRun(
  context: ReconcileContext,
  object: PolicyObject,
  stored: Stored<Run>,
  now: Date,
): Promise<void> {
  const run = endRun(stored.value, 'Replaced', 'a newer run of the policy replaced this one', now);
  const step = { run, start: [], stop: [] };
  if (await record(context, object, stored, step, now)) await context.cluster.deletePods(run.name);
}

async function viewOf(context: ReconcileContext, state: ClusterState, run: Run, now: Date): Promise<RunView> {
  const pods = state.pods.filter((pod) => pod.run === run.name);
  const late = pods.filter((pod) => isLate(pod, run, context.startTimeoutMs, now));
  const troubles = await pMap(late, async (pod) => [pod.name, await readTrouble(context, pod.name)] as const, {
    concurrency: createConcurrency,
  });
  const known = troubles.flatMap(([pod, trouble]) => (trouble === undefined ? [] : [[pod, trouble] as const]));
  return { run, nodes: state.nodes, pods, startTimeoutMs: context.startTimeoutMs, troubles: new Map(known) };
}

/** What keeps a pod from starting is good to know, but no condition for giving it up. */
async function readTrouble({ cluster, log }: ReconcileContext, pod: string): Promise<string | undefined> {
  try {
    return await cluster.readTrouble(pod);
  } catch (error) {
    log.warn({ pod, err: error }, `why pod ${pod} does not start can't be read: ${String(error)}`);
    return undefined;
  }
}

function isLate(pod: CleanerPod, run: Run, startTimeoutMs: number, now: Date): boolean {
  const isSettled = run.nodes.get(pod.node)?.result !== undefined;
  return !isSettled && pod.phase === 'Pending' && now.getTime() - pod.createdAt.getTime() >= startTimeoutMs;
}

/** Creates the pods of a step; returns when to try again those that could not be created, if any. */
async function startPods(context: ReconcileContext, { run, start }: RolloutStep, now: Date): Promise<Date | undefined> {
  if (start.length === 0) return undefined;
  const results = await pMap(
    start,
    async ({ node, attempt }) => [node.name, await startPod(context, run, node, attempt)] as const,
    { concurrency: createConcurrency },
  );
  const started = results.filter(([, error]) => error === undefined).map(([name]) => name);
  const refused = new Map(results.flatMap(([name, error]) => (error === undefined ? [] : [[name, error] as const])));
  const retryAt = context.journal.retryAfter(run.name, refused.size > 0, now);
  context.journal.advance(withRefused(withStarted(run, started), refused, retryAt));
  return refused.size > 0 ? retryAt : undefined;
}

/** Creates a pod; returns why it could not be created. */
async function startPod(
  { cluster, log }: ReconcileContext,
  run: Run,
  node: Node,
  attempt: number,
): Promise<string | undefined> {
  try {
    await cluster.createPod(run, node, attempt);
    return undefined;
  } catch (error) {
    const message = `run ${run.name}: no pod on node ${node.name} yet, trying again: ${String(error)}`;
    log.warn({ run: run.name, node: node.name, err: error }, message);
    return String(error);
  }
}

/** The images of pods that are about to start are read as late as possible: right before the first cleaner. */
async function ensureJob({ cluster, journal }: ReconcileContext, run: Run): Promise<void> {
  if (journal.hasJob(run.name)) return;
  const startingReferences = await cluster.listStartingReferences();
  const workloadReferences = run.spec.images.protectWorkloads ? await cluster.listWorkloadReferences() : [];
  await cluster.createJob(run, jobOf(run, { startingReferences, workloadReferences }));
  journal.setJob(run.name);
}

/** Writes the record if it is time to; false where it is not, or where somebody else has changed it. */
async function record(
  context: ReconcileContext,
  object: PolicyObject,
  stored: Stored<Run>,
  { run, start, stop }: Pick<RolloutStep, 'run' | 'start' | 'stop'>,
  now: Date,
): Promise<boolean> {
  const { cluster, journal } = context;
  const need = stop.length > 0 ? 'Now' : journal.needsWrite(run, start.length > 0, now);
  if (need !== 'Now') {
    journal.advance(run);
    return need === 'No';
  }
  const resourceVersion = await cluster.updateRun({ value: run, resourceVersion: stored.resourceVersion });
  if (resourceVersion === undefined) {
    journal.forget(run.name);
    return false;
  }
  journal.written(run, resourceVersion, now);
  if (run.phase !== stored.value.phase) await announcePhase(context, object, run);
  return true;
}

async function announcePhase(context: ReconcileContext, object: PolicyObject, run: Run): Promise<void> {
  if (run.phase === 'Running') return;
  const event = run.phase === 'Paused' ? runPaused(run) : runFinished(run);
  await announce(context, object, event, { run: run.name, phase: run.phase });
  if (isFinished(run)) await deleteJob(context, run);
}

/** Nobody needs the job any more; where it stays, it goes with the record. */
async function deleteJob({ cluster, log }: ReconcileContext, run: Run): Promise<void> {
  try {
    await cluster.deleteJob(run.name);
  } catch (error) {
    log.warn({ run: run.name, err: error }, `the job of run ${run.name} was not deleted: ${String(error)}`);
  }
}
