import { createHash } from 'node:crypto';
import type { Policy } from './policy.ts';
import { nextPressureStart } from './pressure-trigger.ts';
import { lastSlot, nextSlot, scheduleOf } from './schedule.ts';
import type { Trigger } from './trigger.ts';

/** The facts about earlier runs of a policy. */
export interface SlotMemory {
  /** Scheduled times before this instant start no run: the policy was created, edited or resumed then. */
  readonly scheduleSince: Date;
  /** The last scheduled time for which a run was started. */
  readonly lastSlot?: Date | undefined;
  /** The last value of `nodesweep.io/run-at` that started a run. */
  readonly lastRequest?: string | undefined;
  /** When the last run began, with any trigger. */
  readonly lastStart?: Date | undefined;
  /** The last slot that was told to be left out. */
  readonly missedSlot?: Date | undefined;
}

type SlotQuestion = Pick<DueQuestion, 'name' | 'policy'>;

/** The facts that make a run due, without the time. */
export interface DueQuestion {
  readonly name: string;
  readonly policy: Policy;
  /** The value of `nodesweep.io/run-at`. */
  readonly request: string | undefined;
  /** True if a node under disk pressure can be cleaned. */
  readonly isPressed: boolean;
}

/**
 * The trigger of a run that is due now: a request, which comes first, a scheduled time, or disk pressure.
 */
export function dueTrigger(question: DueQuestion, memory: SlotMemory, now: Date): Trigger | undefined {
  const { request, policy } = question;
  if (request !== undefined && request !== memory.lastRequest) return { type: 'Request', request };
  if (policy.suspend) return undefined;
  const slot = dueSlot(question, memory, now);
  if (slot !== undefined) return { type: 'Schedule', slot };
  const pressureAt = nextPressureStart(question, memory.lastStart);
  return pressureAt !== undefined && pressureAt <= now
    ? { type: 'Pressure', after: memory.lastStart ?? memory.scheduleSince }
    : undefined;
}

/** The next scheduled time, for the status and for wake-ups; undefined while suspended. */
export function upcomingSlot(
  { name, policy }: SlotQuestion,
  memory: Pick<SlotMemory, 'scheduleSince' | 'lastSlot'>,
  now: Date,
): Date | undefined {
  if (policy.suspend) return undefined;
  return nextSlot(scheduleOf(policy), new Date(now.getTime() - startDelayMs(name, policy)), anchorOf(memory));
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
 * The one slot to start now: the latest missed one, however many were missed (as CronJob, without its limit of 100). Its age
 * counts from the slot itself, also where its start is delayed. A slot that was told to be left out stays so, also if the
 * deadline that it missed is gone.
 */
function dueSlot(question: SlotQuestion, memory: SlotMemory, now: Date): Date | undefined {
  const slot = latestSlot(question, memory, now);
  if (slot === undefined || isTooLate(slot, question.policy, now)) return undefined;
  return memory.missedSlot !== undefined && slot <= memory.missedSlot ? undefined : slot;
}

/** The scheduled time that passed its deadline before its run could start. */
export function missedSlot(question: SlotQuestion, memory: SlotMemory, now: Date): Date | undefined {
  const { policy } = question;
  if (policy.suspend || policy.startingDeadlineSeconds === undefined) return undefined;
  const slot = latestSlot(question, memory, now);
  return slot !== undefined && isTooLate(slot, policy, now) ? slot : undefined;
}

function latestSlot({ name, policy }: SlotQuestion, memory: SlotMemory, now: Date): Date | undefined {
  return lastSlot(scheduleOf(policy), anchorOf(memory), new Date(now.getTime() - startDelayMs(name, policy)));
}

/** Scheduled times before this instant start no run, and those of `@every` count from it. */
function anchorOf({ scheduleSince, lastSlot: last }: Pick<SlotMemory, 'scheduleSince' | 'lastSlot'>): Date {
  return last !== undefined && last > scheduleSince ? last : scheduleSince;
}

/** A deadline of 0 still allows the second of the scheduled time, because otherwise no run could start. */
function isTooLate(slot: Date, { startingDeadlineSeconds }: Policy, now: Date): boolean {
  const deadlineMs = startingDeadlineSeconds === 0 ? 999 : (startingDeadlineSeconds ?? Number.POSITIVE_INFINITY) * 1000;
  return now.getTime() - slot.getTime() > deadlineMs;
}
