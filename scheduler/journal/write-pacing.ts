import type { Versioned } from '../objects.ts';
import type { RolloutStep } from '../run/rollout.ts';
import { isFinished, type Run } from '../run/run.ts';

/** A record in progress is written at most this often. */
export const writeIntervalMs = 2_000;
/**
 * A record that only tells how far the run is comes less often, and ever less: many writes would cost more than the run
 * itself.
 */
const minProgressPauseMs = 15_000;
/** Pods whose cleaners have ended beside other containers are deleted once that is on record: those of so long together. */
const tidyPauseMs = 60_000;

/** A write of a record that is to come. */
export interface PendingWrite {
  /** True if nothing may be started or stopped before it. */
  readonly isFirst: boolean;
  /** Undefined where the record tells everything. */
  readonly at: Date | undefined;
  /** True if the record is known to tell everything, and to be the newest. */
  readonly isCurrent: boolean;
}

const told: PendingWrite = { isFirst: false, at: undefined, isCurrent: true };

interface OwnWrite {
  readonly resourceVersion: string;
  readonly at: number;
}

/** Decides when the records of runs are written, from when this process has written them last. */
export class WritePacing {
  readonly #writes = new Map<string, OwnWrite>();

  noteWrite({ value, resourceVersion }: Versioned<Run>, now: Date): void {
    this.#writes.set(value.name, { resourceVersion, at: now.getTime() });
  }

  retain(runs: ReadonlySet<string>): void {
    for (const run of this.#writes.keys()) if (!runs.has(run)) this.#writes.delete(run);
  }

  /**
   * The instant at which to write the record, if there is anything to write, and if the step has to wait for that. What others
   * must know before it is done comes first: the end of the run, what pods are deleted for, nodes to start that are not on
   * record. So does the first step on a record that somebody else has written: that shows if it is still the newest.
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
    if (tidy.length > 0) return isCurrent() ? told : { isFirst: false, at, isCurrent: false };
    return { isFirst: false, at: at <= now && isSame() ? undefined : at, isCurrent: false };
  }

  /** The last write of this process, while nobody has written the record since: then nobody else has decided anything. */
  #ownWrite({ value, resourceVersion }: Versioned<Run>): OwnWrite | undefined {
    const write = this.#writes.get(value.name);
    return write?.resourceVersion === resourceVersion ? write : undefined;
  }
}

/**
 * Each is as long as the run was old when the record was last written: a long run is not much less up to date than a
 * short one.
 */
function progressPauseMs({ startedAt }: Run, writtenAt: number): number {
  return Math.max(writtenAt - startedAt.getTime(), minProgressPauseMs);
}

const fingerprints = new WeakMap<Run, string>();

/** The parts of a run that can change, as text. */
function fingerprint(run: Run): string {
  const known = fingerprints.get(run);
  if (known !== undefined) return known;
  const { document: _, spec: __, nodes, ...others } = run;
  const text = JSON.stringify([others, [...nodes]]);
  fingerprints.set(run, text);
  return text;
}
