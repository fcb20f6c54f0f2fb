import pMap from 'p-map';
import { annotation } from '../../contract/labels.ts';
import { callConcurrency } from '../cluster.ts';
import { writeIntervalMs } from '../journal/write-pacing.ts';
import type { CleanerPod, Versioned } from '../objects.ts';
import { earliest } from '../policy/instants.ts';
import type { RunView } from '../run/node-progress.ts';
import { advanceRun, endRun, maxCallsPerStep, resumeRun, withReserved } from '../run/rollout.ts';
import { isFinished, type Run } from '../run/run.ts';
import type { PolicyPass } from './context.ts';
import { recordRun } from './record-run.ts';
import { ensureJob, refuseStarts, startPods } from './start-pods.ts';

/** Moves the active runs of the policy on by one step each; returns when to look again. */
export async function advanceRuns(pass: PolicyPass): Promise<Date | undefined> {
  const wakes: (Date | undefined)[] = [];
  for (const run of activeRuns(pass)) wakes.push(await advance(pass, run));
  return earliest(wakes);
}

export function activeRuns({ journal, object }: Pick<PolicyPass, 'journal' | 'object'>): Versioned<Run>[] {
  return journal.runs.versionsOf(object.name).filter(({ value }) => !isFinished(value));
}

/**
 * Moves an active run on by one step and returns when to look again: decide, record, then act. Only what is on record is
 * started or stopped. Whoever has written the record last goes on without writing it again; who takes over, a scheduler that
 * was started anew or another replica, writes it first, and fails where it is not the newest.
 */
async function advance(pass: PolicyPass, { value }: Versioned<Run>): Promise<Date | undefined> {
  const { cluster, journal, object, now } = pass;
  const recorded = journal.runs.recordOf(value.name);
  if (recorded === undefined) return undefined;
  const run = resumeRun(value, object.annotations[annotation.resumeAt]);
  const step = advanceRun(await viewOf(pass, run), now);
  const write = journal.writes.writeFor(step, recorded, now);
  const isDue = write.at !== undefined && write.at <= now;
  if (write.isFirst && !isDue) {
    journal.runs.advance(step.run);
    return write.at;
  }
  const job = step.start.length > 0 ? await ensureJob(pass, run) : undefined;
  if (job?.kind === 'TooLarge') {
    await recordRun(pass, endRun(run, 'JobTooLarge', job.message, now));
    return now;
  }
  const reserved = withReserved(step.run, step.reserve);
  if (!isDue) journal.runs.advance(reserved);
  else if (!(await recordRun(pass, reserved))) return new Date(now.getTime() + writeIntervalMs);
  const retryAt =
    job?.kind === 'Refused'
      ? refuseStarts(pass, reserved, step.start, job.error)
      : await startPods(pass, reserved, step.start);
  await pMap(step.stop, (pod) => cluster.deletePod(pod), { concurrency: callConcurrency });
  return earliest([step.wakeAt, retryAt, isDue ? undefined : write.at]);
}

async function viewOf(pass: PolicyPass, run: Run): Promise<RunView> {
  const { state, journal, startTimeoutMs } = pass;
  const pods = state.pods.filter((pod) => pod.run === run.name);
  // Late pods mostly have the same trouble.
  const late = pods.filter((pod) => isLate(pass, pod, run)).slice(0, maxCallsPerStep);
  const podWarnings = await pMap(late, async ({ name }) => [name, await readPodWarning(pass, name)] as const, {
    concurrency: callConcurrency,
  });
  const known = podWarnings.flatMap(([pod, warning]) => (warning === undefined ? [] : [[pod, warning] as const]));
  const heldUntil = journal.creation.heldUntil(run.name);
  return { run, nodes: state.nodes, pods, startTimeoutMs, podWarnings: new Map(known), heldUntil };
}

/** The obstacle that keeps a pod from starting is good to know, but no condition for giving it up. */
async function readPodWarning({ cluster, log }: PolicyPass, pod: string): Promise<string | undefined> {
  try {
    return await cluster.readPodWarning(pod);
  } catch (error) {
    log.warn({ pod, err: error }, `why pod ${pod} does not start can't be read: ${String(error)}`);
    return undefined;
  }
}

function isLate({ startTimeoutMs, now }: PolicyPass, pod: CleanerPod, run: Run): boolean {
  const isSettled = run.nodes.get(pod.node)?.state === 'Settled';
  return !isSettled && pod.phase === 'Pending' && now.getTime() - pod.createdAt.getTime() >= startTimeoutMs;
}
