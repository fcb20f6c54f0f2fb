import { findPressed, findPressedBetween, type Pressure, type Resource } from './pressure.ts';

/**
 * Waits before a batch of removals while the node is under pressure. Ends early when `signal` is aborted. Returns true if it
 * waited.
 */
export type Throttle = (signal: AbortSignal) => Promise<boolean>;

export type RestPorts = {
  readonly readPressure: () => Promise<Pressure>;
  /** Ends early and without an error when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Called after a wait that other processes made longer than one look. */
  readonly onRest: (rest: { readonly restedMs: number; readonly resources: readonly Resource[] }) => void;
};

/** Time without our own removals, after which it is clear if other processes still wait. */
const lookMs = 100;
/** Maximum share of the time for looks without a result, because our own removals may be the only cause of pressure. */
const nextLookMs = 2_000;
const stepMs = 500;
/** Maximum time of a wait, and of all waits: a full disk harms other processes more than removals do. */
const maxRestMs = 5_000;
const maxTotalMs = 60_000;

/**
 * Prepares the waits of one run. The pressure of the kernel includes waits that our own removals cause, so it is only a
 * reason to look again while no removal runs. The disk is an exception: the kernel writes the changes of a batch for some
 * seconds, and waits itself. So other processes count as waiting for the disk only if some waited before the first batch.
 */
export function createThrottle({ readPressure, sleep, now, onRest }: RestPorts): Throttle {
  let leftMs = maxTotalMs;
  let calmUntil = 0;
  let isDiskShared: boolean | undefined;
  const isOthers = (resource: Resource) => resource === 'memory' || isDiskShared !== false;
  return async (signal) => {
    if (now() < calmUntil || leftMs <= 0) return false;
    let before = await readPressure();
    let pressed = findPressed(before).filter(isOthers);
    const startedAt = now();
    const endsAt = startedAt + Math.min(maxRestMs, leftMs);
    const waitedFor = new Set<Resource>();
    for (let ms = lookMs; pressed.length > 0 && now() < endsAt && !signal.aborted; ms = stepMs) {
      const from = now();
      await sleep(Math.min(ms, endsAt - from), signal);
      const after = await readPressure();
      pressed = findPressedBetween(before, after, now() - from).filter(isOthers);
      for (const resource of pressed) waitedFor.add(resource);
      before = after;
    }
    isDiskShared ??= waitedFor.has('io');
    const restedMs = Math.round(now() - startedAt);
    leftMs -= restedMs;
    calmUntil = now() + nextLookMs;
    if (waitedFor.size > 0) onRest({ restedMs, resources: [...waitedFor] });
    return restedMs > 0;
  };
}
