import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CleanupDocument, parseCleanup } from '../../../scheduler/cleanup/policy.ts';
import {
  type DueQuestion,
  dueTrigger,
  type ScheduleMemory,
  startDelayMs,
  upcomingScheduledTime,
} from '../../../scheduler/policy/due.ts';
import { runName } from '../../../scheduler/run/names.ts';
import { buildSpec, secondsLater, start } from '../../helpers/builders.ts';

const memory: ScheduleMemory = { scheduleSince: secondsLater(-1800) };
const question = (document: Partial<CleanupDocument> = {}, more: Partial<DueQuestion> = {}): DueQuestion => ({
  name: 'nightly',
  policy: buildSpec(document),
  request: undefined,
  isPressed: false,
  hasNewNodes: false,
  ...more,
});

describe('jitter', () => {
  const jitterSeconds = 300;
  const delayMs = startDelayMs('nightly', { jitterSeconds });
  const at = (milliseconds: number) => new Date(start.getTime() + milliseconds);

  it('delays the start by the same time for a name, and by less than jitterSeconds', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.integer({ min: 0, max: 86_400 }), (name, seconds) => {
        const delay = startDelayMs(name, { jitterSeconds: seconds });
        expect(delay).toBe(startDelayMs(name, { jitterSeconds: seconds }));
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThan(Math.max(1, seconds * 1000));
      }),
    );
  });

  it('spreads a thousand policies of one schedule: no second has more than 15 of them in five minutes', () => {
    const seconds = Array.from({ length: 1000 }, (_, index) =>
      Math.floor(startDelayMs(`team-${index}`, { jitterSeconds }) / 1000),
    );
    const counts = seconds.map((second) => seconds.filter((other) => other === second).length);
    expect(Math.max(...counts)).toBeLessThanOrEqual(15);
    expect(new Set(seconds).size).toBeGreaterThan(250);
  });

  it('does not change the scheduled time: only the start is later (C1)', () => {
    expect(delayMs).toBeGreaterThan(0);
    expect(dueTrigger(question({ jitterSeconds }), memory, at(delayMs - 1))).toBeUndefined();
    expect(dueTrigger(question({ jitterSeconds }), memory, at(delayMs))).toEqual({ type: 'Schedule', slot: start });
  });

  it('keeps the scheduled time as the next one until its run starts', () => {
    const asked = question({ jitterSeconds });
    expect(upcomingScheduledTime(asked, memory, at(delayMs - 1))).toEqual(start);
    expect(upcomingScheduledTime(asked, memory, at(delayMs))).toEqual(secondsLater(3600));
  });

  it('does not lengthen the deadline, which counts from the scheduled time (C5)', () => {
    const late = question({ jitterSeconds, startingDeadlineSeconds: 301 });
    expect(dueTrigger(late, memory, secondsLater(301))).toEqual({ type: 'Schedule', slot: start });
    expect(dueTrigger(late, memory, secondsLater(302))).toBeUndefined();
  });

  it('delays no request', () => {
    const asked = question({ jitterSeconds }, { request: 'now' });
    expect(dueTrigger(asked, memory, start)).toEqual({ type: 'Request', request: 'now' });
  });
});

describe('disk pressure', () => {
  const pressed = (document: Partial<CleanupDocument> = {}) =>
    question({ schedule: '0 0 1 1 *', disk: { onPressure: true }, ...document }, { isPressed: true });

  it('starts a run at once, without waiting for a scheduled time', () => {
    expect(dueTrigger(pressed(), memory, start)).toEqual({ type: 'Pressure', after: memory.scheduleSince });
  });

  it.each([
    ['the policy does not ask for it', pressed({ disk: { highPercent: 85, lowPercent: 80 } })],
    ['no node is under it', { ...pressed(), isPressed: false }],
    ['the policy is suspended (C12)', pressed({ suspend: true })],
  ])('starts none if %s', (_title, asked) => {
    expect(dueTrigger(asked, memory, start)).toBeUndefined();
  });

  it('starts none within ten minutes after any run of the policy began, and one run at most after it', () => {
    const after = { ...memory, lastStart: start };
    expect(dueTrigger(pressed(), after, secondsLater(599))).toBeUndefined();
    expect(dueTrigger(pressed(), after, secondsLater(600))).toEqual({ type: 'Pressure', after: start });
    expect(dueTrigger(pressed(), { ...after, lastStart: secondsLater(600) }, secondsLater(605))).toBeUndefined();
  });

  it('starts no run of its own if a scheduled time is due, which cleans these nodes too', () => {
    expect(dueTrigger(pressed({ schedule: '0 * * * *' }), memory, start)).toEqual({ type: 'Schedule', slot: start });
  });
});

describe('startingDeadlineSeconds: 0', () => {
  it('is accepted, as by CronJob, without a message about jitterSeconds (H19)', () => {
    expect(parseCleanup('schedule: "@hourly"\nstartingDeadlineSeconds: 0')).toMatchObject({ valid: true });
  });

  it('allows a start within the second of the scheduled time (H19, C5)', () => {
    const asked = question({ startingDeadlineSeconds: 0 });
    expect(dueTrigger(asked, memory, new Date(start.getTime() + 999))).toEqual({ type: 'Schedule', slot: start });
    expect(dueTrigger(asked, memory, secondsLater(1))).toBeUndefined();
  });
});

it('the next scheduled time of @every does not move as time passes, and follows the last one (H19)', () => {
  const asked = question({ schedule: '@every 10m' });
  const since = { scheduleSince: start };
  expect(upcomingScheduledTime(asked, since, secondsLater(1))).toEqual(secondsLater(600));
  expect(upcomingScheduledTime(asked, since, secondsLater(599))).toEqual(secondsLater(600));
  expect(upcomingScheduledTime(asked, { ...since, lastSlot: secondsLater(600) }, secondsLater(700))).toEqual(
    secondsLater(1200),
  );
});

it('runs of scheduled times within one minute have names of their own (C1)', () => {
  const names = [0, 30, 60].map((seconds) => runName('nightly', { type: 'Schedule', slot: secondsLater(seconds) }));
  expect(new Set(names).size).toBe(3);
});
