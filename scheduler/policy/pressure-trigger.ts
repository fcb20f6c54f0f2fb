import type { Policy } from './policy.ts';

/**
 * Minimum time between the start of any run and a run that disk pressure starts. The kubelet reports pressure for 5 minutes
 * after it ended (`evictionPressureTransitionPeriod`).
 */
const pressureCoolDownMs = 600_000;

interface PressureQuestion {
  readonly policy: Pick<Policy, 'onPressure' | 'suspend'>;
  /** True if a node under disk pressure can be cleaned. */
  readonly isPressed: boolean;
}

/**
 * The instant at which disk pressure starts a run: the end of the minimum time, which may be in the past. Undefined if
 * there is no disk pressure, or if it starts no run.
 */
export function nextPressureStart(
  { policy, isPressed }: PressureQuestion,
  lastStart: Date | undefined,
): Date | undefined {
  if (!policy.onPressure || policy.suspend || !isPressed) return undefined;
  return new Date((lastStart?.getTime() ?? 0) + pressureCoolDownMs);
}
