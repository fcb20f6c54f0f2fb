import type { Policy } from './policy.ts';

/**
 * After a run of a policy began, disk pressure starts none for so long. The kubelet goes on to report pressure for
 * 5 minutes after it was relieved (its `evictionPressureTransitionPeriod`).
 */
const pressureCoolDownMs = 600_000;

interface PressureQuestion {
  readonly policy: Pick<Policy, 'onPressure' | 'suspend'>;
  /** True if a node under disk pressure could be cleaned. */
  readonly isPressed: boolean;
}

/** When disk pressure starts a run, the past included: as soon as there is any, but not within the cool-down. */
export function nextPressureStart(
  { policy, isPressed }: PressureQuestion,
  lastStart: Date | undefined,
): Date | undefined {
  if (!policy.onPressure || policy.suspend || !isPressed) return undefined;
  return new Date((lastStart?.getTime() ?? 0) + pressureCoolDownMs);
}
