import pMap from 'p-map';
import { annotation } from '../contract/labels.ts';
import { announce } from './announce.ts';
import { JobTooLargeError } from './cleanup/job-maps.ts';
import { type BoundPods, type ClusterState, callConcurrency } from './cluster.ts';
import type { ReconcileContext } from './context.ts';
import { writeIntervalMs } from './journal.ts';
import type { CleanerPod, PolicyObject, Versioned } from './objects.ts';
import { earliest } from './policy/instants.ts';
import type { RunView } from './run/node-progress.ts';
import {
  advanceRun,
  endRun,
  maxCallsPerStep,
  type RolloutStep,
  resumeRun,
  withRefused,
  withReserved,
  withStarted,
} from './run/rollout.ts';
import { jobOf, type Run } from './run/run.ts';
import { runFinished, runPaused } from './status/events.ts';

/**
 * Moves an active run on by one step and returns when to look again: decide, record, then act. Only what is on record is
 * started or stopped. Whoever has written the record last goes on without writing it again; who takes over, a scheduler that
 * was started anew or another replica, writes it first, and fails where it is not the newest.
 */
export async function advance(
  context: ReconcileContext,
  state: ClusterState,
  object: PolicyObject,
  stored: Versioned<Run>,
  now: Date,
): Promise<Date | undefined> {
  const { cluster, journal } = context;
  const run = resumeRun(stored.value, object.annotations[annotation.resumeAt]);
  const step = advanceRun(await viewOf(context, state, run, now), now);
  const write = journal.writeFor(step, now);
  const isDue = write.at !== undefined && write.at <= now;
  if (write.isFirst && !isDue) {
    journal.advance(step.run);
    return write.at;
  }
  const obstacle = step.start.length > 0 ? await ensureJob(context, run) : undefined;
  if (obstacle !== undefined) {
    await record(context, object, stored, endRun(run, 'JobTooLarge', obstacle, now), now);
    return now;
  }
  const recorded = withReserved(step.run, step.reserve);
  if (!isDue) journal.advance(recorded);
  else if (!(await record(context, object, stored, recorded, now))) return new Date(now.getTime() + writeIntervalMs);
  const retryAt = await startPods(context, recorded, step.start, now);
  await pMap(step.stop, (pod) => cluster.deletePod(pod), { concurrency: callConcurrency });
  return earliest([step.wakeAt, retryAt, isDue ? undefined : write.at]);
}

/** Ends a run in favour of a newer one. */
export async function replaceRun(
  context: ReconcileContext,
  object: PolicyObject,
  stored: Versioned<Run>,
  now: Date,
): Promise<void> {
  const run = endRun(stored.value, 'Replaced', 'a newer run of the policy replaced this one', now);
  if (await record(context, object, stored, run, now)) await context.cluster.deletePods(run.name);
}

async function viewOf(context: ReconcileContext, state: ClusterState, run: Run, now: Date): Promise<RunView> {
  const pods = state.pods.filter((pod) => pod.run === run.name);
  // Where many are late, they mostly have the same trouble.
  const late = pods.filter((pod) => isLate(pod, run, context.startTimeoutMs, now)).slice(0, maxCallsPerStep);
  const podWarnings = await pMap(late, async (pod) => [pod.name, await readPodWarning(context, pod.name)] as const, {
    concurrency: callConcurrency,
  });
  const known = podWarnings.flatMap(([pod, trouble]) => (trouble === undefined ? [] : [[pod, trouble] as const]));
  const { journal, startTimeoutMs } = context;
  const heldUntil = journal.heldUntil(run.name);
  return { run, nodes: state.nodes, pods, startTimeoutMs, podWarnings: new Map(known), heldUntil };
}

/** What keeps a pod from starting is good to know, but no condition for giving it up. */
async function readPodWarning({ cluster, log }: ReconcileContext, pod: string): Promise<string | undefined> {
  try {
    return await cluster.readPodWarning(pod);
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
async function startPods(
  context: ReconcileContext,
  run: Run,
  start: RolloutStep['start'],
  now: Date,
): Promise<Date | undefined> {
  if (start.length === 0) return undefined;
  const refused = await createPods(context, run, start);
  const started = start.map(({ node }) => node.name).filter((name) => !refused.has(name));
  const retryAt = context.journal.noteStep(run.name, { started: started.length, refused: refused.size }, now);
  context.journal.advance(withRefused(withStarted(run, started), refused, retryAt));
  if (refused.size === 0) return undefined;
  sayRefused(context, run, refused);
  return retryAt;
}

/**
 * Creates pods, and returns the errors by node. Which images the pods bound to a node name is read as late as possible: right
 * before its cleaner. Where that can't be read, none is started.
 */
async function createPods(
  { cluster }: ReconcileContext,
  run: Run,
  start: RolloutStep['start'],
): Promise<ReadonlyMap<string, unknown>> {
  const refused = new Map<string, unknown>();
  const names = start.map(({ node }) => node.name);
  const boundPods = await cluster.readBoundPods(names).catch((error: unknown) => {
    for (const name of names) refused.set(name, error);
    return new Map<string, BoundPods>();
  });
  const startPod = async ({ node, attempt }: (typeof start)[number]) => {
    const bound = boundPods.get(node.name);
    if (bound === undefined) return;
    try {
      await cluster.createPod(run, node, attempt, bound);
    } catch (error) {
      refused.set(node.name, error);
    }
  };
  await pMap(start, startPod, { concurrency: callConcurrency });
  return refused;
}

/** Mostly all are refused for the same reason: one line says it. */
function sayRefused({ log }: ReconcileContext, run: Run, refused: ReadonlyMap<string, unknown>): void {
  const [[node, error] = []] = refused;
  const others = refused.size > 1 ? `, nor on ${refused.size - 1} others` : '';
  const message = `run ${run.name}: no pod on node ${node} yet${others}, trying again: ${String(error)}`;
  log.warn({ run: run.name, nodes: [...refused.keys()], err: error }, message);
}

/** Makes sure that the run's job exists; returns why it never can, where that is so. */
async function ensureJob({ cluster, journal }: ReconcileContext, run: Run): Promise<string | undefined> {
  if (journal.hasJob(run.name)) return undefined;
  const workloadReferences = run.spec.images.protectWorkloads ? await cluster.listWorkloadReferences() : [];
  try {
    await cluster.createJob(run, jobOf(run, workloadReferences));
  } catch (error) {
    if (error instanceof JobTooLargeError) return error.message;
    throw error;
  }
  journal.setJob(run.name);
  return undefined;
}

/** Writes the record; false where somebody else has changed it. */
async function record(
  context: ReconcileContext,
  object: PolicyObject,
  stored: Versioned<Run>,
  run: Run,
  now: Date,
): Promise<boolean> {
  const { cluster, journal } = context;
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
}
