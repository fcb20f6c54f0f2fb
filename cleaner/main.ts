import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { type Logger, pino } from 'pino';
import { type Clock, readClock } from './clock.ts';
import { type ConnectOptions, connectRuntime } from './connect.ts';
import { CrictlError } from './crictl-error.ts';
import { DockerError } from './docker-error.ts';
import { measureDisk, measureImageDisk } from './filesystem.ts';
import { changeHistory, loadHistory } from './history-file.ts';
import { createUsageReader } from './inventory.ts';
import { InventoryError } from './inventory-error.ts';
import type { Job } from './job.ts';
import type { PlanDocument } from './plan-document.ts';
import { planNode } from './plan-node.ts';
import { exitCodeOf, type Report, type ReportError } from './report.ts';
import { buildFailure, buildReport } from './report-build.ts';
import type { Runtime } from './runtime.ts';
import { type Node, sweep } from './sweep.ts';

export { JobFileError, loadJobFile } from './job-file.ts';

export type CleanOptions = {
  readonly loadJob: () => Promise<Job>;
  /** Where to write the report. */
  readonly report?: string | undefined;
  /**
   * A directory of the cleaner's own on the image filesystem. Without one the history is at a usual place, and `disk` is
   * measured where the runtime says that its images are.
   */
  readonly state?: string | undefined;
  readonly dryRun: boolean;
};

const usualState = '/var/lib/nodesweep';

/** There is no job to do; the message is that of the cause. */
class BadJobError extends Error {
  override readonly name = 'BadJobError';
}

/** Runs the cleaner once and returns its exit code. Whatever happens is logged, and told in a report. */
export async function clean(options: CleanOptions, environment: NodeJS.ProcessEnv): Promise<number> {
  const startedAt = performance.now();
  const log = createLog(environment);
  const { signal, release } = listenForStop(log);
  const report = await runOnce(options, environment, log, signal, () => Math.round(performance.now() - startedAt));
  release();
  log.info({ event: 'report', ...report });
  await writeReport(options.report, report, log);
  return exitCodeOf(report);
}

async function runOnce(
  options: CleanOptions,
  environment: NodeJS.ProcessEnv,
  log: Logger,
  signal: AbortSignal,
  durationMs: () => number,
): Promise<Report> {
  try {
    const job = await loadJob(options);
    log.setBindings({ policy: job.policy, run: job.run });
    const runtime = await connectRuntime(readRuntimeOptions(environment));
    const readUsage = createUsageReader(runtime, environment.POD_UID);
    const node = openNode(options.state, runtime, environment, await readClock(), log);
    const findings = await sweep(job, { runtime, readUsage, node, onImage: (event) => log.info(event) }, signal);
    return buildReport(findings, durationMs());
  } catch (error) {
    const { reason, message } = describeError(error);
    const isExpected = [BadJobError, CrictlError, DockerError, InventoryError].some(
      (expected) => error instanceof expected,
    );
    log.error({ event: 'error', reason, ...(!isExpected && { err: error }) }, message);
    return buildFailure([{ reason, message }], durationMs());
  }
}

/** Decides about the images of this node as {@link clean} would, and changes nothing. Rejects where that would not begin. */
export async function plan(
  { loadJob, state }: Pick<CleanOptions, 'loadJob' | 'state'>,
  environment: NodeJS.ProcessEnv,
): Promise<PlanDocument> {
  const job = await loadJob();
  const runtime = await connectRuntime(readRuntimeOptions(environment));
  const clock = await readClock();
  return planNode(job, {
    runtime,
    readUsage: createUsageReader(runtime, environment.POD_UID),
    clock,
    node: environment.NODE_NAME || hostname(),
    ownReferences: readOwnReferences(environment),
    loadHistory: () => loadHistory(state ?? usualState, clock),
    measureDisk: () => (state === undefined ? measureImageDisk(runtime, usualState) : measureDisk(state)),
  });
}

/** Synchronous, so that nothing logged is lost however the process ends. */
function createLog({ LOG_LEVEL = 'info', NODE_NAME }: NodeJS.ProcessEnv): Logger {
  const level = Object.hasOwn(pino.levels.values, LOG_LEVEL) || LOG_LEVEL === 'silent' ? LOG_LEVEL : 'info';
  const log = pino(
    {
      level,
      base: NODE_NAME ? { node: NODE_NAME } : {},
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 1, sync: true }),
  );
  if (level !== LOG_LEVEL) log.warn(`LOG_LEVEL ${LOG_LEVEL} is none of ${Object.keys(pino.levels.values).join(', ')}`);
  return log;
}

/** Asked to stop, the cleaner lets the batch in flight finish and starts no other. */
function listenForStop(log: Logger): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    log.warn({ event: 'stopping', signal: name }, 'no further batch is started');
    controller.abort();
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  return { signal: controller.signal, release: () => process.off('SIGTERM', stop).off('SIGINT', stop) };
}

async function loadJob({ loadJob, dryRun }: CleanOptions): Promise<Job> {
  try {
    const job = await loadJob();
    return { ...job, dryRun: job.dryRun || dryRun };
  } catch (cause) {
    throw new BadJobError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function readRuntimeOptions({ CRICTL, CONTAINER_RUNTIME_ENDPOINT }: NodeJS.ProcessEnv): ConnectOptions {
  return { crictl: CRICTL || 'crictl', endpoint: CONTAINER_RUNTIME_ENDPOINT || undefined };
}

function readOwnReferences({ NODESWEEP_IMAGE }: NodeJS.ProcessEnv): readonly string[] {
  return NODESWEEP_IMAGE ? [NODESWEEP_IMAGE] : [];
}

function openNode(
  state: string | undefined,
  runtime: Runtime,
  environment: NodeJS.ProcessEnv,
  clock: Clock,
  log: Logger,
): Node {
  const directory = state ?? usualState;
  return {
    now: clock.now,
    ownReferences: readOwnReferences(environment),
    measureDisk: () => (state === undefined ? measureImageDisk(runtime, directory) : measureDisk(directory)),
    changeHistory: async (change) => {
      const problem = await changeHistory(directory, clock, change);
      if (problem !== undefined)
        log.warn({ event: 'history', reason: problem }, 'the history is changed without its lock');
    },
    loadHistory: async () => {
      const loaded = await loadHistory(directory, clock);
      if (loaded.kind === 'Found') return loaded.history;
      const reason = loaded.kind === 'Missing' ? 'this is the first run on this node' : loaded.reason;
      const level = loaded.kind === 'Missing' ? 'info' : 'warn';
      log[level]({ event: 'history', reason }, 'every image counts as old enough, and none as long unused');
      return undefined;
    },
  };
}

function describeError(error: unknown): ReportError {
  if (!(error instanceof Error)) return { reason: 'UnexpectedError', message: String(error) };
  return { reason: error instanceof InventoryError ? error.reason : error.name, message: error.message };
}

async function writeReport(path: string | undefined, report: Report, log: Logger): Promise<void> {
  if (path === undefined) return;
  try {
    await writeFile(path, JSON.stringify(report));
  } catch (error) {
    log.error({ event: 'error', reason: 'ReportNotWritten', err: error }, `the report can't be written to ${path}`);
  }
}
