import { setTimeout as sleep } from 'node:timers/promises';
import { annotation } from '../../contract/labels.ts';
import { runKinds } from '../../scheduler/kinds.ts';
import { parsePolicy } from '../../scheduler/policy/parse.ts';
import { listProblems } from '../../scheduler/policy/problem.ts';
import { runName } from '../../scheduler/run/names.ts';
import { isFinished, type Run } from '../../scheduler/run/run.ts';
import { describeProgress } from '../output/progress-line.ts';
import { describeMissing } from './missing-policy.ts';
import type { RecordsPort, RunState } from './records-port.ts';

/** Minimum time between two lines about the progress of a run. */
const reportEveryMs = 1_000;
/** A scheduler that works starts a run within a second; after this time a line says that none has started. */
const patienceMs = 10_000;

/** A run can't be requested, or ends without a result. The message says why. */
export class RunRequestError extends Error {
  override readonly name = 'RunRequestError';
}

/** A newer request replaced this one before a run could start, so there is no run to follow. */
export class RequestReplacedError extends Error {
  override readonly name = 'RequestReplacedError';
}

/** A request, and the name of the run that starts for it. */
export interface RunRequest {
  readonly policy: string;
  readonly request: string;
  readonly run: string;
}

/** Requests a run of a policy. Throws a {@link RunRequestError} if no run would start. */
export async function requestRun(cluster: RecordsPort, policy: string, now: Date): Promise<RunRequest> {
  const { policies } = await cluster.readRecords();
  const object = policies.find(({ name }) => name === policy);
  if (object === undefined) {
    throw new RunRequestError(describeMissing(policy, policies));
  }
  const parsed = parsePolicy(policy, object.data, runKinds);
  if (!parsed.valid) {
    const problems = listProblems(parsed.problems, 4_096);
    throw new RunRequestError(`policy ${policy} is not valid, so no run starts: ${problems}`);
  }
  const request = now.toISOString();
  await cluster.requestRun(policy, request);
  return { policy, request, run: runName(policy, { type: 'Request', request }) };
}

/**
 * Follows a run to its end and reports its progress. Throws a {@link RunRequestError} if its record is deleted before, and a
 * {@link RequestReplacedError} if it never starts because somebody has made another request.
 */
export async function followRun(
  cluster: RecordsPort,
  request: RunRequest,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<Run> {
  const followed = cluster.followRun(request.run);
  let wake = () => {};
  await followed.start(() => wake());
  signal.addEventListener('abort', () => wake(), { once: true });
  try {
    const nextChange = () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      return promise;
    };
    const expectPending = () => requirePending(cluster, request);
    return await reportUntilEnd(request.run, { state: followed.state, nextChange, expectPending }, report, signal);
  } finally {
    followed.stop();
  }
}

/** Throws a {@link RequestReplacedError} if the scheduler has seen a newer request, and has not started this run before. */
async function requirePending(cluster: RecordsPort, { policy, request, run }: RunRequest): Promise<void> {
  const { policies, statuses, runs } = await cluster.readRecords();
  const object = policies.find(({ name }) => name === policy);
  const status = statuses.get(policy)?.value;
  const newer = object?.annotations[annotation.runAt];
  if (object === undefined || status === undefined || newer === request) return;
  const isSeen = status.policyUid === object.uid && status.observedVersion === object.resourceVersion;
  const hasStarted = status.lastRequest === request || runs.some(({ value }) => value.name === run);
  if (!isSeen || hasStarted) return;
  const cause = newer === undefined ? 'somebody removed it' : `request "${newer}" replaced it`;
  throw new RequestReplacedError(`run ${run} does not start: ${cause} before it could`);
}

/** The state of a run, which changes. */
interface ChangingRun {
  readonly state: () => RunState;
  /** Resolves at the next change after the call. */
  readonly nextChange: () => Promise<void>;
  /** Rejects where the run does not start any more. */
  readonly expectPending: () => Promise<void>;
}

async function reportUntilEnd(
  name: string,
  { state, nextChange, expectPending }: ChangingRun,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<Run> {
  const startedAt = performance.now();
  let known: Run | undefined;
  let last = '';
  for (;;) {
    const changed = nextChange();
    const { run, pods } = state();
    if (run !== undefined && isFinished(run)) return run;
    if (run === undefined && known !== undefined)
      throw new RunRequestError(`the record of run ${name} was deleted before the run had ended`);
    known = run;
    const line = run === undefined ? describeWait(performance.now() - startedAt) : describeProgress(run, pods);
    if (line !== '' && line !== last) report(line);
    last = line;
    await sleep(reportEveryMs);
    const pauseMs = run === undefined ? reportEveryMs : patienceMs;
    await Promise.race([changed, sleep(pauseMs, undefined, { ref: false })]);
    if (signal.aborted) throw new RunRequestError(`stopped following run ${name}, which continues`);
    if (run === undefined && state().run === undefined) await expectPending();
  }
}

function describeWait(waitedMs: number): string {
  return waitedMs < patienceMs
    ? ''
    : 'not started yet: another run of the policy may be active (concurrencyPolicy), or no scheduler runs';
}
