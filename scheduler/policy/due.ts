import { createHash } from 'node:crypto';
import type { Policy } from './policy.ts';
import { nextPressureStart } from './pressure-trigger.ts';
import { lastScheduledTime, nextScheduledTime, scheduleOf } from './schedule.ts';
import type { Trigger } from './trigger.ts';

/** The facts about earlier runs of a policy. */
export interface ScheduleMemory {
  /** Scheduled times before this instant start no run: the policy was created, edited or resumed then. */
  readonly scheduleSince: Date;
  /** The last scheduled time for which a run was started. */
  readonly lastSlot?: Date | undefined;
  /** The last value of `nodesweep.io/run-at` that started a run. */
  readonly lastRequest?: string | undefined;
  /** The start of the last run, with any trigger. */
  readonly lastStart?: Date | undefined;
  /** The last scheduled time that was reported as missed. */
  readonly missedSlot?: Date | undefined;
}

type ScheduleQuestion = Pick<DueQuestion, 'name' | 'policy'>;

/** The facts that make a run due, without the time and the earlier runs. */
export interface DueQuestion {
  readonly name: string;
  readonly policy: Policy;
  /** The value of `nodesweep.io/run-at`. */
  readonly request: string | undefined;
  /** True if a node under disk pressure can be cleaned. */
  readonly isPressed: boolean;
  /** True if no run is active, and a node can get work that no run has done there. */
  readonly hasNewNodes: boolean;
}

/**
 * The trigger of a run that is due now: a request, which comes first, a scheduled time, disk pressure, or new nodes.
 */
export function dueTrigger(question: DueQuestion, memory: ScheduleMemory, now: Date): Trigger | undefined {
  const { request, policy } = question;
  if (request !== undefined && request !== memory.lastRequest) return { type: 'Request', request };
  if (policy.suspend) return undefined;
  const scheduledTime = dueScheduledTime(question, memory, now);
  if (scheduledTime !== undefined) return { type: 'Schedule', slot: scheduledTime };
  const after = memory.lastStart ?? memory.scheduleSince;
  const pressureAt = nextPressureStart(question, memory.lastStart);
  if (pressureAt !== undefined && pressureAt <= now) return { type: 'Pressure', after };
  return question.hasNewNodes ? { type: 'Nodes', after } : undefined;
}

/** The next scheduled time, for the status and for wake-ups; undefined while suspended. */
export function upcomingScheduledTime(
  { name, policy }: ScheduleQuestion,
  memory: Pick<ScheduleMemory, 'scheduleSince' | 'lastSlot'>,
  now: Date,
): Date | undefined {
  if (policy.suspend) return undefined;
  return nextScheduledTime(scheduleOf(policy), new Date(now.getTime() - startDelayMs(name, policy)), anchorOf(memory));
}

/**
 * The delay of a policy's runs after their scheduled times, in milliseconds, below `jitterSeconds`. It is a function of the
 * name, so that restarts and replicas agree, and is spread evenly over many names.
 */
export function startDelayMs(name: string, { jitterSeconds }: Pick<Policy, 'jitterSeconds'>): number {
  if (jitterSeconds === 0) return 0;
  const fraction = createHash('sha256').update(name).digest().readUInt32BE() / 2 ** 32;
  return Math.floor(fraction * jitterSeconds * 1000);
}

/**
 * The scheduled time for which a run starts now. If several were missed, it is the latest one, as for a CronJob, but
 * without its limit of 100. The deadline counts from the scheduled time, also if the start of the run is delayed. A
 * scheduled time that was reported as missed stays missed, also if the policy has no deadline any more.
 */
function dueScheduledTime(question: ScheduleQuestion, memory: ScheduleMemory, now: Date): Date | undefined {
  const scheduledTime = latestScheduledTime(question, memory, now);
  if (scheduledTime === undefined || isTooLate(scheduledTime, question.policy, now)) return undefined;
  return memory.missedSlot !== undefined && scheduledTime <= memory.missedSlot ? undefined : scheduledTime;
}

/** The scheduled time that passed its deadline before its run could start. */
export function missedScheduledTime(question: ScheduleQuestion, memory: ScheduleMemory, now: Date): Date | undefined {
  const { policy } = question;
  if (policy.suspend || policy.startingDeadlineSeconds === undefined) return undefined;
  const scheduledTime = latestScheduledTime(question, memory, now);
  return scheduledTime !== undefined && isTooLate(scheduledTime, policy, now) ? scheduledTime : undefined;
}

function latestScheduledTime({ name, policy }: ScheduleQuestion, memory: ScheduleMemory, now: Date): Date | undefined {
  return lastScheduledTime(scheduleOf(policy), anchorOf(memory), new Date(now.getTime() - startDelayMs(name, policy)));
}

/** Scheduled times before this instant start no run, and those of `@every` count from it. */
function anchorOf({ scheduleSince, lastSlot: last }: Pick<ScheduleMemory, 'scheduleSince' | 'lastSlot'>): Date {
  return last !== undefined && last > scheduleSince ? last : scheduleSince;
}

/** A deadline of 0 still allows the second of the scheduled time, because otherwise no run could start. */
function isTooLate(scheduledTime: Date, { startingDeadlineSeconds }: Policy, now: Date): boolean {
  const deadlineMs = startingDeadlineSeconds === 0 ? 999 : (startingDeadlineSeconds ?? Number.POSITIVE_INFINITY) * 1000;
  return now.getTime() - scheduledTime.getTime() > deadlineMs;
}
