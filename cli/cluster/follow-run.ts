import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../contract/errors.ts';
import { annotation } from '../../contract/labels.ts';
import { isFinished, type Run } from '../../scheduler/run/run.ts';
import { describeLeaving, type Leaving } from '../output/run/leaving.ts';
import type { Records, RecordsPort, RunState } from './records-port.ts';
import type { RunRequest } from './run-request.ts';
import { SchedulerWatch } from './scheduler-watch.ts';

/** The end of following a run. */
export type FollowEnd =
  | { readonly kind: 'Ended'; readonly run: Run }
  /** The run has not started. */
  | { readonly kind: 'NotStarted'; readonly message: string }
  /** The run has started, and its end is not known. */
  | { readonly kind: 'Left'; readonly message: string };

export interface FollowOptions {
  /** Called about every second. `waitedMs` is the time since the request. */
  readonly report: (state: RunState, waitedMs: number) => void;
  /** Aborted to stop following. */
  readonly signal: AbortSignal;
  readonly timeoutSeconds?: number | undefined;
}

/** Intervals in milliseconds. */
export interface FollowTiming {
  /** Interval of reports. */
  readonly tickMs: number;
  /** Interval of requests that read the lease and the policy. */
  readonly lookMs: number;
  /** Time without a scheduler after which nobody follows a run any more. A scheduler that is replaced comes back sooner. */
  readonly absentMs: number;
}

const usualTiming: FollowTiming = { tickMs: 1_000, lookMs: 2_000, absentMs: 60_000 };

/** Follows a run to its end, or until nobody can tell how it ends. */
export async function followRun(
  cluster: RecordsPort,
  request: RunRequest,
  options: FollowOptions,
  timing: FollowTiming = usualTiming,
): Promise<FollowEnd> {
  const followed = cluster.followRun(request.run);
  try {
    await followed.start(() => {});
    const look = new Look(cluster, request, timing);
    return await watchUntilEnd(followed.state, look, options, timing);
  } finally {
    followed.stop();
  }
}

async function watchUntilEnd(
  state: () => RunState,
  look: Look,
  { report, signal, timeoutSeconds }: FollowOptions,
  { tickMs }: FollowTiming,
): Promise<FollowEnd> {
  const startedAt = performance.now();
  for (let hasStarted = false; ; ) {
    const { run, pods } = state();
    const waitedMs = performance.now() - startedAt;
    if (run !== undefined && isFinished(run)) return { kind: 'Ended', run };
    if (run === undefined && hasStarted) return look.leave({ cause: 'Deleted' }, true);
    hasStarted ||= run !== undefined;
    report({ run, pods }, waitedMs);
    if (signal.aborted) return look.leave({ cause: 'Interrupted' }, hasStarted);
    if (timeoutSeconds !== undefined && waitedMs >= timeoutSeconds * 1_000)
      return look.leave({ cause: 'TimedOut', timeoutSeconds }, hasStarted);
    const leaving = await look.findTrouble(hasStarted);
    // The run may have started or ended during the look.
    if (leaving !== undefined && state().run === run) return look.leave(leaving, hasStarted);
    await sleep(tickMs, undefined, { signal }).catch(() => {});
  }
}

/** Looks now and then if anybody moves the run on. */
class Look {
  readonly #cluster: RecordsPort;
  readonly #request: RunRequest;
  readonly #timing: FollowTiming;
  readonly #scheduler: SchedulerWatch;
  #lookedAt = performance.now();
  /** The reason why the lease could not be read the last time. */
  #problem: string | undefined;

  constructor(cluster: RecordsPort, request: RunRequest, timing: FollowTiming) {
    this.#cluster = cluster;
    this.#request = request;
    this.#timing = timing;
    this.#scheduler = new SchedulerWatch(performance.now());
  }

  leave(leaving: Leaving, hasStarted: boolean): FollowEnd {
    const { run, policy } = this.#request;
    return { kind: hasStarted ? 'Left' : 'NotStarted', message: describeLeaving({ run, policy, hasStarted }, leaving) };
  }

  /** The reason why the run does not start or does not go on; undefined if there is none, or if it is not known. */
  async findTrouble(hasStarted: boolean): Promise<Leaving | undefined> {
    if (performance.now() - this.#lookedAt < this.#timing.lookMs) return undefined;
    this.#lookedAt = performance.now();
    await this.#readLease();
    const absentMs = this.#scheduler.absentMs(performance.now());
    if (absentMs >= this.#timing.absentMs) return { cause: 'NoScheduler', absentMs, problem: this.#problem };
    return hasStarted ? undefined : this.#findReplacement();
  }

  /** Without the right to read leases, a scheduler counts as being at work. */
  async #readLease(): Promise<void> {
    try {
      this.#scheduler.see(await this.#cluster.readLease(), performance.now());
      this.#problem = undefined;
    } catch (error) {
      this.#problem = messageOf(error);
    }
  }

  /** Undefined also if the records can't be read now. */
  async #findReplacement(): Promise<Leaving | undefined> {
    const records = await this.#cluster.readRecords().catch(() => undefined);
    return records && findReplacement(this.#request, records);
  }
}

/** A newer request, if the scheduler has seen it and has not started this run before. */
function findReplacement({ policy, request, run }: RunRequest, records: Records): Leaving | undefined {
  const { policies, statuses, runs } = records;
  const object = policies.find(({ name }) => name === policy);
  const status = statuses.get(policy)?.value;
  const newer = object?.annotations[annotation.runAt];
  if (object === undefined || status === undefined || newer === request) return undefined;
  const isSeen = status.policyUid === object.uid && status.observedVersion === object.resourceVersion;
  const hasStarted = status.lastRequest === request || runs.some(({ value }) => value.name === run);
  return isSeen && !hasStarted ? { cause: 'Replaced', newer } : undefined;
}
