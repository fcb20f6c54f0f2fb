import type { CleanupPolicy } from './policy.ts';
import type { Trigger } from './run.ts';
import { lastSlot, nextSlot, type Schedule, scheduleOf } from './schedule.ts';

/** What is remembered of a policy's past. */
export interface SlotMemory {
  /** Slots before this instant are not run: the policy was made, edited or resumed then. */
  readonly scheduleSince: Date;
  /** The last slot for which a run was started. */
  readonly lastSlot?: Date | undefined;
  /** The last value of `nodesweep.io/run-at` that was acted on. */
  readonly lastRequest?: string | undefined;
}

/** What starts a run of the policy now, if anything does: somebody's request, which comes first, or a slot. */
export function dueTrigger(
  policy: CleanupPolicy,
  request: string | undefined,
  memory: SlotMemory,
  now: Date,
): Trigger | undefined {
  if (request !== undefined && request !== memory.lastRequest) return { type: 'Request', request };
  const { suspend, startingDeadlineSeconds } = policy;
  const schedule = scheduleOf(policy);
  const since = new Date(Math.max(memory.scheduleSince.getTime(), memory.lastSlot?.getTime() ?? 0));
  const slot = dueSlot({ schedule, suspend, since, startingDeadlineSeconds }, now);
  return slot && { type: 'Schedule', slot };
}

/** What decides whether a slot is due. */
interface DueQuestion {
  readonly schedule: Schedule;
  readonly suspend: boolean;
  /** Slots up to this instant are history: the policy was made, edited or resumed then, or last ran for it. */
  readonly since: Date;
  /** A slot older than this many seconds never starts. */
  readonly startingDeadlineSeconds?: number | undefined;
}

/** The one slot to start now: the latest missed one, however many were missed (as CronJob, without its limit of 100). */
function dueSlot(question: DueQuestion, now: Date): Date | undefined {
  if (question.suspend) return undefined;
  const slot = lastSlot(question.schedule, question.since, now);
  if (slot === undefined) return undefined;
  const ageSeconds = (now.getTime() - slot.getTime()) / 1000;
  return ageSeconds > (question.startingDeadlineSeconds ?? Number.POSITIVE_INFINITY) ? undefined : slot;
}

/** The slot that comes next, for status and wake-up; undefined while suspended. */
export function upcomingSlot(question: Pick<DueQuestion, 'schedule' | 'suspend'>, now: Date): Date | undefined {
  return question.suspend ? undefined : nextSlot(question.schedule, now);
}
