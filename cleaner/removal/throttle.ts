import { findPressed, findPressedBetween, type Pressure, type Resource } from './pressure.ts';

/**
 * Gives way to others before a batch of removals, where the node is under pressure; ends early when `signal` says so. Tells
 * whether time went by.
 */
export type Throttle = (signal: AbortSignal) => Promise<boolean>;

export type RestPorts = {
  readonly readPressure: () => Promise<Pressure>;
  /** Ends early, and never fails, when the signal says so. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds of a clock that never steps. */
  readonly now: () => number;
  /** Is told when a rest is over that somebody else's need made longer than a look. */
  readonly onRest: (rest: { readonly restedMs: number; readonly resources: readonly Resource[] }) => void;
};

/** So long nothing of ours runs before it is clear whether others still wait. */
const lookMs = 100;
/** Our removals alone may be what tasks wait for: looks that find so take no more than a twentieth of the time. */
const nextLookMs = 2_000;
const stepMs = 500;
/** A full disk hurts others more than we do: rests are short, and all of them together are over soon. */
const maxRestMs = 5_000;
const maxTotalMs = 60_000;

/**
 * Prepares the rests of one run. What the kernel tells includes the waiting that our own removals cause, so it only gives
 * reason to look closer: while nothing of ours runs, whoever waits then is somebody else. But for the disk: the kernel goes
 * on for seconds to write what a batch has changed, and waits itself. So others wait for the disk only if some did before
 * the first batch.
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
