import { hostname, uptime } from 'node:os';
import { type Logger, pino } from 'pino';
import { messageOf } from '../contract/errors.ts';
import type { Job } from '../contract/job.ts';
import type { PlanDocument } from '../contract/plan-document.ts';
import { exitCodeOf, type Report, type ReportError } from '../contract/report.ts';
import { DiskUnmeasurableError, measureImageDisk } from './filesystem.ts';
import { readClock } from './history/clock.ts';
import { openHistory } from './history/run-history.ts';
import { openReadOnlyStore } from './history/store.ts';
import { openNode, usualState } from './open-node.ts';
import { planNode } from './plan-node.ts';
import { buildFailure, buildReport } from './report/build.ts';
import type { ImageEvent } from './report/events.ts';
import { openReport } from './report/file.ts';
import { type LogSink, openLogSink } from './report/log-sink.ts';
import { describeReport } from './report/sentence.ts';
import { fitReport } from './report/size-limit.ts';
import { connectRuntime } from './runtime/connect.ts';
import { CrictlError } from './runtime/crictl/error.ts';
import { DockerError } from './runtime/docker/error.ts';
import { readEndpoint } from './runtime/endpoint.ts';
import { createUsageReader } from './runtime/inventory.ts';
import { InventoryError } from './runtime/inventory-error.ts';
import type { FoundSet } from './sets/found-set.ts';
import { compileSets } from './sets/policy-sets.ts';
import type { EarlyStart } from './start-early.ts';
import { armDeadline, StopRequest } from './stop.ts';
import { sweep } from './sweep.ts';

export { JobFileError, loadJobFile } from './job-file.ts';
export { readSetFiles } from './set-files.ts';

export type CleanOptions = EarlyStart & {
  readonly loadTask: () => Promise<Task>;
  /** The path of the report. */
  readonly report?: string | undefined;
  /**
   * A directory of the cleaner on the filesystem with the images. Without it the history is in the usual directory, and
   * `disk` is measured at the mount point that the runtime reports.
   */
  readonly state?: string | undefined;
  readonly dryRun: boolean;
  /** Only lists the images that no rule keeps, so that the scheduler can ask registries about them. */
  readonly candidates?: boolean | undefined;
  /** Shows the run to a person, in place of the log on standard output. */
  readonly view?: CleanView | undefined;
};

/** A job, and the image sets that were found for it. An image set that is missing can't be read. */
export type Task = { readonly job: Job; readonly sets: readonly FoundSet[] };

/** A view of a run. */
export type CleanView = {
  /** Gets each line of the log. */
  readonly sink: LogSink;
  /** Called before the first image with the number of images to remove. */
  readonly onPlan: (removals: number) => void;
};

/** The job can't be loaded. The message is that of the cause. */
class BadJobError extends Error {
  override readonly name = 'BadJobError';
}

/** Runs the cleaner once and returns its exit code. Logs every result and error, and writes them to the report. */
export async function clean(options: CleanOptions, environment: NodeJS.ProcessEnv): Promise<number> {
  const sink = options.view?.sink ?? openLogSink(1);
  const log = createLog(environment, sink);
  const reportFile = await openReport(options.report);
  const found = reportFile.problem === undefined ? await runOnce(options, environment, log) : buildFailure([], 0);
  options.firstLists?.end();
  const report = addLogProblem(found, sink.problem());
  // A reader of the log sees the last lines first: the sentence is beside the report.
  log.info({ event: 'summary' }, describeReport(report, environment.NODE_NAME || hostname()));
  log.info({ event: 'report', ...report });
  const problem = await reportFile.write(report);
  if (problem !== undefined) log.error({ event: 'error', reason: 'ReportNotWritten' }, problem);
  return problem === undefined ? exitCodeOf(report) : Math.max(1, exitCodeOf(report));
}

async function runOnce(options: CleanOptions, environment: NodeJS.ProcessEnv, log: Logger): Promise<Report> {
  const startedAt = performance.now();
  const durationMs = () => Math.round(performance.now() - startedAt);
  const { stop } = options;
  const over = new AbortController();
  logStop(stop, log);
  try {
    const { job, ...task } = await loadTask(options);
    const sets = compileSets(job, task.sets, Date.now());
    stop.signal.throwIfAborted();
    log.setBindings({ policy: job.policy, run: job.run });
    if (job.activeDeadlineSeconds !== undefined) armDeadline(stop, job.activeDeadlineSeconds, performance.now());
    const runtime = await connectRuntime({
      ...readEndpoint(environment),
      signal: over.signal,
      run: options.firstLists?.run,
    });
    const readUsage = createUsageReader(runtime, environment.POD_UID, () => uptime() * 1_000);
    const ownReferences = readOwnReferences(environment);
    const stateOnNode = readStateOnNode(environment);
    const node = openNode({ state: options.state, stateOnNode, ownReferences, runtime }, log);
    const onPlan = options.view?.onPlan;
    const ports = { runtime, readUsage, node, sets, onPlan, onImage: (event: ImageEvent) => log.info(event) };
    const findings = await sweep(job, ports, stop.signal);
    return buildReport(findings, durationMs());
  } catch (error) {
    const { reason, message } = describeError(error);
    const isExpected = [BadJobError, CrictlError, DiskUnmeasurableError, DockerError, InventoryError, StopRequest].some(
      (expected) => error instanceof expected,
    );
    log.error({ event: 'error', reason, ...(!isExpected && { err: error }) }, message);
    return buildFailure([{ reason, message }], durationMs());
  } finally {
    over.abort();
  }
}

/** Decides about the images of this node as {@link clean} would, but changes nothing. Rejects if a run would not begin. */
export async function plan(
  { loadTask, state }: Pick<CleanOptions, 'loadTask' | 'state'>,
  environment: NodeJS.ProcessEnv,
): Promise<PlanDocument> {
  const { job, sets } = await loadTask();
  const runtime = await connectRuntime(readEndpoint(environment));
  return planNode(job, {
    runtime,
    readUsage: createUsageReader(runtime, environment.POD_UID, () => uptime() * 1_000),
    node: environment.NODE_NAME || hostname(),
    sets: compileSets(job, sets, Date.now()),
    ownReferences: readOwnReferences(environment),
    openHistory: (onRemark) => openHistory(openReadOnlyStore({ directory: state ?? usualState, readClock }), onRemark),
    measureDisk: () => measureImageDisk(runtime, { directory: state, pathOnNode: readStateOnNode(environment) }),
  });
}

/** Adds an error to the report if log lines are missing. */
function addLogProblem(report: Report, message: string | undefined): Report {
  if (message === undefined) return report;
  return fitReport({ ...report, errors: [{ reason: 'LogNotWritten', message }, ...report.errors] });
}

function createLog({ LOG_LEVEL = 'info', NODE_NAME }: NodeJS.ProcessEnv, sink: LogSink): Logger {
  const level = Object.hasOwn(pino.levels.values, LOG_LEVEL) || LOG_LEVEL === 'silent' ? LOG_LEVEL : 'info';
  const log = pino(
    {
      level,
      base: NODE_NAME ? { node: NODE_NAME } : {},
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  );
  if (level !== LOG_LEVEL) log.warn(`LOG_LEVEL ${LOG_LEVEL} is none of ${Object.keys(pino.levels.values).join(', ')}`);
  return log;
}

/** Logs that the cleaner was asked to stop, also if this was before it could log. */
function logStop({ signal }: AbortController, log: Logger): void {
  const logSignal = () => {
    const { signalName } = signal.reason;
    if (signalName !== undefined) log.warn({ event: 'stopping', signal: signalName }, 'no further batch is started');
  };
  if (signal.aborted) logSignal();
  else signal.addEventListener('abort', logSignal, { once: true });
}

async function loadTask({ loadTask, dryRun, candidates }: CleanOptions): Promise<Task> {
  try {
    const { job, sets } = await loadTask();
    return { job: candidates ? onlyListing(job) : { ...job, dryRun: job.dryRun || dryRun }, sets };
  } catch (cause) {
    throw new BadJobError(messageOf(cause), { cause });
  }
}

/** The job that lists all images that may go: registries are asked before, and limits count only what they have. */
function onlyListing(job: Job): Job {
  const { maxPerRun: _, maxPercentPerRun: __, ...images } = job.images;
  return {
    ...job,
    dryRun: true,
    listsCandidates: true,
    images: { ...images, requirePullable: false, keepLastCopy: false },
  };
}

function readOwnReferences({ NODESWEEP_IMAGE }: NodeJS.ProcessEnv): readonly string[] {
  return NODESWEEP_IMAGE ? [NODESWEEP_IMAGE] : [];
}

/** The state directory on the node, which the scheduler sets for cleaners in pods. */
function readStateOnNode({ NODESWEEP_STATE_ON_NODE }: NodeJS.ProcessEnv): string | undefined {
  return NODESWEEP_STATE_ON_NODE || undefined;
}

function describeError(error: unknown): ReportError {
  if (!(error instanceof Error)) return { reason: 'UnexpectedError', message: String(error) };
  const hasReason = error instanceof InventoryError || error instanceof StopRequest;
  return { reason: hasReason ? error.reason : error.name, message: error.message };
}
