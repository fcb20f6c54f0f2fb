import { lastSlot, nextSlot, type Schedule } from './schedule.ts';

/** What decides whether a slot is due. */
export interface DueQuestion {
  readonly schedule: Schedule;
  readonly suspend: boolean;
  /** Slots up to this instant are history: the policy was made, edited or resumed then, or last ran for it. */
  readonly since: Date;
  /** A slot older than this many seconds never starts. */
  readonly startingDeadlineSeconds?: number | undefined;
}

/** The one slot to start now: the latest missed one, however many were missed (as CronJob, without its limit of 100). */
export function dueSlot(question: DueQuestion, now: Date): Date | undefined {
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
