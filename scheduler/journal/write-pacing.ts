import type { Versioned } from '../objects.ts';
import type { RolloutStep } from '../run/rollout/rollout.ts';
import { isFinished, type Run } from '../run/run.ts';

/** The shortest time between two writes of a record of an active run. */
export const writeIntervalMs = 2_000;
/**
 * A record with nothing but progress is written less often, and the pauses increase: many writes would cost more than the
 * run itself.
 */
const minProgressPauseMs = 30_000;
/** The longest of these pauses, so that the progress of a run that takes hours is shown too. */
const maxProgressPauseMs = 10 * 60_000;
/** The longest wait for the write before pods are deleted in which the cleaner has ended and only other containers run. */
const tidyPauseMs = 60_000;

/** A planned write of a record. */
export interface PendingWrite {
  /** True if nothing may be started or stopped before the write. */
  readonly isFirst: boolean;
  /** The time of the write; undefined if the record is complete. */
  readonly at: Date | undefined;
  /** True if the record is known to be complete and the newest. */
  readonly isCurrent: boolean;
}

const complete: PendingWrite = { isFirst: false, at: undefined, isCurrent: true };

interface OwnWrite {
  readonly resourceVersion: string;
  readonly at: number;
}

/** Decides when this process writes the records of runs, based on its last write. */
export class WritePacing {
  readonly #writes = new Map<string, OwnWrite>();

  noteWrite({ value, resourceVersion }: Versioned<Run>, now: Date): void {
    this.#writes.set(value.name, { resourceVersion, at: now.getTime() });
  }

  retain(runs: ReadonlySet<string>): void {
    for (const run of this.#writes.keys()) if (!runs.has(run)) this.#writes.delete(run);
  }

  /**
   * The instant at which to write the record, if there is anything to write, and if the step must wait for the write. The
   * step waits if other processes must know the change first: the end of the run, the reason to delete a pod, or a node
   * to start that the record lacks. It also waits at the first step on a record of another process: the write shows if
   * the record is still the newest.
   */
  writeFor({ run, reserve, start, stop, tidy }: RolloutStep, recorded: Versioned<Run>, now: Date): PendingWrite {
    const own = this.#ownWrite(recorded);
    const isSame = () => fingerprint(run) === fingerprint(recorded.value);
    const isCurrent = () => own !== undefined && isSame();
    const first = (at: Date) => ({ isFirst: true, at, isCurrent: false });
    if (run.phase !== recorded.value.phase || isFinished(run)) return first(now);
    const writtenAt = own?.at ?? 0;
    const soon = new Date(writtenAt + writeIntervalMs);
    if (stop.length > 0 && !isCurrent()) return first(soon);
    if (reserve.length > 0 || (start.length > 0 && own === undefined)) return first(soon);
    const pauseMs = progressPauseMs(run, writtenAt);
    const at = new Date(writtenAt + (tidy.length > 0 ? Math.min(pauseMs, tidyPauseMs) : pauseMs));
    if (tidy.length > 0) return isCurrent() ? complete : { isFirst: false, at, isCurrent: false };
    return { isFirst: false, at: at <= now && isSame() ? undefined : at, isCurrent: false };
  }

  /**
   * The last write of this process, if no other process has written the record since: then no other has decided anything.
   */
  #ownWrite({ value, resourceVersion }: Versioned<Run>): OwnWrite | undefined {
    const write = this.#writes.get(value.name);
    return write?.resourceVersion === resourceVersion ? write : undefined;
  }
}

/**
 * Each pause is twice as long as the age of the run at the last write of the record, up to a limit. So the record of a long run
 * is, in proportion, as current as that of a short one, and a run of 13 minutes has three such writes.
 */
function progressPauseMs({ startedAt }: Run, writtenAt: number): number {
  const pauseMs = Math.max(2 * (writtenAt - startedAt.getTime()), minProgressPauseMs);
  return Math.min(pauseMs, maxProgressPauseMs);
}

const fingerprints = new WeakMap<Run, string>();

/** The parts of a run that can change, as text. The memories of kinds change often, and cause no write by themselves. */
function fingerprint(run: Run): string {
  const known = fingerprints.get(run);
  if (known !== undefined) return known;
  const { kind: _, document: __, spec: ___, nodes, ...others } = run;
  const progress = [...nodes].map(([node, { memory: _, ...known }]) => [node, known]);
  const text = JSON.stringify([others, progress]);
  fingerprints.set(run, text);
  return text;
}
