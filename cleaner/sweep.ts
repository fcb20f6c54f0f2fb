import type { DiskUsage } from '../contract/disk-usage.ts';
import { messageOf } from '../contract/errors.ts';
import type { Job } from '../contract/job.ts';
import type { ReportError } from '../contract/report.ts';
import { decide, needsDisk } from './decide.ts';
import type { HistoryRemark, RunHistory } from './history/run-history.ts';
import { describeTimes } from './plan/image-times.ts';
import { createJudge } from './plan/judge.ts';
import { type Facts, mayLoseAllNames, recordOf } from './plan/keep-rules.ts';
import type { Plan } from './plan/plan.ts';
import { takeLandmarks } from './removal/lost-images.ts';
import { carryOut } from './removal/removal.ts';
import { openSpace } from './removal/space-freed.ts';
import type { Throttle } from './removal/throttle.ts';
import { mayBeGone, type SweepResult } from './removal/verify.ts';
import { measureSettled } from './removal/wait-for-space.ts';
import type { Findings } from './report/build.ts';
import { type ImageEvent, keptEvent, plannedEvent, removalEvent } from './report/events.ts';
import { createLookReader, type ReadUsage } from './runtime/inventory.ts';
import type { Runtime } from './runtime/runtime.ts';
import type { PolicySets } from './sets/policy-sets.ts';
import { describeSetErrors } from './sets/set-errors.ts';
import { overdue, untilStopped } from './stop.ts';

/** The parts of its node that a run needs, besides the runtime. */
export type NodeAccess = {
  /** References of the cleaner's own image. */
  readonly ownReferences: readonly string[];
  measureDisk(): Promise<DiskUsage>;
  /** Opens the usage history of the node for one run. */
  openHistory(onRemark: (remark: HistoryRemark) => void): RunHistory;
  readonly throttle: Throttle;
  /** Milliseconds of a monotonic clock. */
  readonly monotonicMs: () => number;
  /** Ends early and without an error when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
};

export type SweepPorts = {
  readonly runtime: Pick<Runtime, 'getSandboxImages' | 'inspectImages' | 'removeImages' | 'listImages'>;
  readonly readUsage: ReadUsage;
  readonly node: NodeAccess;
  /** The image sets of the job. Without them, none of those that it names can be read. */
  readonly sets?: PolicySets | undefined;
  /** Called once, before the first image, with the number of images to remove. */
  readonly onPlan?: ((removals: number) => void) | undefined;
  /** Called once for every image. */
  readonly onImage: (event: ImageEvent) => void;
};

/**
 * Makes one run on one node: reads the node, decides, removes, and returns the findings. Fails only before the first
 * removal.
 */
export async function sweep(job: Job, ports: SweepPorts, signal: AbortSignal): Promise<Findings> {
  const { runtime, readUsage, node, sets } = ports;
  const errors: ReportError[] = [];
  const measureDisk = () =>
    needsDisk(job, sets) ? node.measureDisk() : orError(node.measureDisk, 'DiskUnmeasurable', errors);
  const history = node.openHistory(({ reason, message }) => {
    if (reason !== 'FirstRun') errors.push({ reason, message });
  });
  const look = () => decide(job, { ...node, sets, history, runtime, readUsage, measureDisk });
  const { facts, plan } = await untilStopped(look, signal);
  errors.push(...describeSetErrors(facts.sets), ...facts.inventory.remarks);
  const before = facts.diskUsage;
  const onImage = guardTelling(ports.onImage, facts, errors);
  ports.onPlan?.(plan.removals.length);
  for (const kept of plan.kept) onImage(keptEvent(kept));

  const planned = job.dryRun ? [] : plan.removals.map(({ image }) => image.id);
  if (planned.length > 0) await history.forget(planned);
  const result = job.dryRun ? forego(plan, onImage) : await act({ facts, plan }, { ...ports, onImage }, signal);
  if (planned.length > 0) await history.settle(goneOf(result));

  const wasTried = result.results.length > 0 && before !== undefined;
  const after = wasTried
    ? await orError(
        () =>
          untilStopped(() => measureSettled({ result, plan, before }, node, signal), overdue(signal, stopMs.measuring)),
        'DiskUnmeasurable',
        errors,
      )
    : before;
  return {
    dryRun: job.dryRun,
    listsCandidates: job.listsCandidates,
    disk: job.disk,
    removeReferences: job.removeReferences,
    hasUnreadableImages: facts.inventory.unreadable !== undefined,
    plan,
    result,
    before,
    after,
    errors,
  };
}

/**
 * Milliseconds after a stop until a removal, the look after it and the last measurement are given up. Kubernetes gives a pod
 * 30 s by default, so enough time remains to write the report.
 */
const stopMs = { removal: 10_000, look: 15_000, measuring: 5_000 } as const;

/** Calls `onImage`. The run continues if that fails, because only the log is affected; the report has one error. */
function guardTelling(
  onImage: SweepPorts['onImage'],
  { history }: Facts,
  errors: ReportError[],
): SweepPorts['onImage'] {
  let hasFailed = false;
  return (event) => {
    try {
      onImage({ ...event, ...describeTimes(recordOf(history, event)) });
    } catch (error) {
      if (!hasFailed) errors.push({ reason: 'LogNotWritten', message: messageOf(error) });
      hasFailed = true;
    }
  };
}

/** IDs of the images that are or may be gone. */
function goneOf({ results }: SweepResult): readonly string[] {
  return results.filter(({ outcome }) => mayBeGone(outcome)).map(({ removal }) => removal.image.id);
}

function forego(plan: Plan, onImage: SweepPorts['onImage']): SweepResult {
  for (const removal of plan.removals) onImage(plannedEvent(removal));
  return { results: [], spared: [] };
}

async function act(
  { facts, plan }: { readonly facts: Facts; readonly plan: Plan },
  { runtime, readUsage, node, onImage }: SweepPorts,
  signal: AbortSignal,
): Promise<SweepResult> {
  const planned = plan.removals.map(({ image }) => image);
  const result = await carryOut(
    plan,
    {
      ...node,
      runtime,
      readLook: createLookReader(readUsage, runtime),
      landmarks: takeLandmarks(facts.inventory),
      judgeOn: createJudge(facts, planned),
      mayLoseAllNames: mayLoseAllNames(facts),
      space: facts.diskUsage && openSpace(facts.diskUsage),
      giveUp: { removal: overdue(signal, stopMs.removal), look: overdue(signal, stopMs.look) },
      onResult: (removal) => onImage(removalEvent(removal)),
    },
    signal,
  );
  for (const kept of result.spared) onImage(keptEvent(kept));
  return result;
}

/** Reads something that a run does not need: adds the error to `errors` instead of failing. */
async function orError<T>(read: () => Promise<T>, reason: string, errors: ReportError[]): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    errors.push({ reason, message: messageOf(error) });
    return undefined;
  }
}
