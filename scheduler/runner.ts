import pMap from 'p-map';
import type { ClusterState } from './cluster.ts';
import type { ReconcileContext } from './context.ts';
import { runFinished, runPaused } from './events.ts';
import { writeIntervalMs } from './journal.ts';
import { annotation } from './labels.ts';
import type { CleanerPod, Node, PolicyObject, Stored } from './objects.ts';
import type { RunView } from './progress.ts';
import { advanceRun, endRun, type RolloutStep, resumeRun, withStarted } from './rollout.ts';
import { isFinished, jobOf, type Run } from './run.ts';

/** Requests that create pods go out side by side, so many at once. */
const createConcurrency = 20;
/** A pod that could not be created is tried again after this time. */
const createRetryMs = 2_000;

/** Moves an active run on by one step and returns when to look again: create, then record, then delete. */
export async function advance(
  context: ReconcileContext,
  state: ClusterState,
  object: PolicyObject,
  stored: Stored<Run>,
  now: Date,
): Promise<Date | undefined> {
  const run = resumeRun(stored.value, object.annotations[annotation.resumeAt]);
  const step = advanceRun(await viewOf(context, state, run, now), now);
  const started = await startPods(context, step);
  const current = withStarted(step.run, started);
  const isRecorded = await record(context, object, stored, current, step.stop.length > 0, now);
  // Only what is recorded as settled loses its pod: a scheduler that is killed here would start it again.
  if (isRecorded) await pMap(step.stop, (pod) => context.cluster.deletePod(pod), { concurrency: createConcurrency });
  if (started.length < step.start.length) return new Date(now.getTime() + createRetryMs);
  return isRecorded ? step.wakeAt : new Date(now.getTime() + writeIntervalMs);
}

/** Ends a run in favour of a newer one. */
export async function replaceRun(
  context: ReconcileContext,
  object: PolicyObject,
  stored: Stored<Run>,
  now: Date,
): Promise<void> {
  const run = endRun(stored.value, 'Replaced', 'a newer run of the policy replaced this one', now);
  if (await record(context, object, stored, run, true, now)) await context.cluster.deletePods(run.name);
}

async function viewOf(context: ReconcileContext, state: ClusterState, run: Run, now: Date): Promise<RunView> {
  const pods = state.pods.filter((pod) => pod.run === run.name);
  const late = pods.filter((pod) => isLate(pod, run, context.startTimeoutMs, now));
  const troubles = await pMap(late, async (pod) => [pod.name, await context.cluster.readTrouble(pod.name)] as const, {
    concurrency: createConcurrency,
  });
  const known = troubles.flatMap(([pod, trouble]) => (trouble === undefined ? [] : [[pod, trouble] as const]));
  return { run, nodes: state.nodes, pods, startTimeoutMs: context.startTimeoutMs, troubles: new Map(known) };
}

function isLate(pod: CleanerPod, run: Run, startTimeoutMs: number, now: Date): boolean {
  const isSettled = run.nodes.get(pod.node)?.result !== undefined;
  return !isSettled && pod.phase === 'Pending' && now.getTime() - pod.createdAt.getTime() >= startTimeoutMs;
}

/** Creates the pods of a step and returns the names of the nodes where that worked. */
async function startPods(context: ReconcileContext, { run, start }: RolloutStep): Promise<string[]> {
  if (start.length === 0) return [];
  await ensureJob(context, run);
  const started = await pMap(start, ({ node, attempt }) => startPod(context, run, node, attempt), {
    concurrency: createConcurrency,
  });
  return started.filter((name) => name !== undefined);
}

async function startPod(
  { cluster, log }: ReconcileContext,
  run: Run,
  node: Node,
  attempt: number,
): Promise<string | undefined> {
  try {
    await cluster.createPod(run, node, attempt);
    return node.name;
  } catch (error) {
    log.warn(
      { run: run.name, node: node.name, err: error },
      `run ${run.name}: no pod on node ${node.name} yet, trying again: ${String(error)}`,
    );
    return undefined;
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
  run: Run,
  isUrgent: boolean,
  now: Date,
): Promise<boolean> {
  const { cluster, journal } = context;
  const need = isUrgent ? 'Now' : journal.needsWrite(run, now);
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
  const fields = { policy: run.policy, run: run.name, phase: run.phase, reason: run.reason };
  if (event.type === 'Normal') context.log.info(fields, event.message);
  else context.log.warn(fields, event.message);
  await context.cluster.recordEvent(object, event);
  if (isFinished(run)) await context.cluster.deleteJob(run.name);
}
