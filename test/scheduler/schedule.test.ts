import fc from 'fast-check';
import { createTask } from 'node-cron';
import { describe, expect, it } from 'vitest';
import { isTimeZone, lastSlot, nextSlot, parseSchedule, scheduleProblems } from '../../scheduler/schedule.ts';

const slots = (expression: string, timeZone: string, from: string, count: number) => {
  const schedule = parseSchedule(expression, timeZone);
  const found: string[] = [];
  for (let after = new Date(from); found.length < count; ) {
    const slot = nextSlot(schedule, after);
    if (slot === undefined) break;
    found.push(slot.toISOString().replace(':00.000Z', 'Z'));
    after = slot;
  }
  return found;
};

describe('a schedule', () => {
  it.each([
    ['*/5 * * * *', '2026-03-02T10:02:30Z', ['2026-03-02T10:05Z', '2026-03-02T10:10Z']],
    ['30 6 * * *', '2026-03-02T06:30:00Z', ['2026-03-03T06:30Z', '2026-03-04T06:30Z']],
    ['0 9 * * MON-FRI', '2026-03-06T10:00:00Z', ['2026-03-09T09:00Z', '2026-03-10T09:00Z']],
    ['0 0 29 2 *', '2026-03-02T00:00:00Z', ['2028-02-29T00:00Z', '2032-02-29T00:00Z']],
    ['0 0 * * 7', '2026-03-02T00:00:00Z', ['2026-03-08T00:00Z', '2026-03-15T00:00Z']],
    ['@hourly', '2026-03-02T10:00:00Z', ['2026-03-02T11:00Z', '2026-03-02T12:00Z']],
    ['@daily', '2026-03-02T10:00:00Z', ['2026-03-03T00:00Z', '2026-03-04T00:00Z']],
    ['@weekly', '2026-03-02T10:00:00Z', ['2026-03-08T00:00Z', '2026-03-15T00:00Z']],
    ['@monthly', '2026-03-02T10:00:00Z', ['2026-04-01T00:00Z', '2026-05-01T00:00Z']],
    ['@yearly', '2026-03-02T10:00:00Z', ['2027-01-01T00:00Z', '2028-01-01T00:00Z']],
  ])('%s fires at its exact slots (C1)', (expression, from, expected) => {
    expect(slots(expression, 'Etc/UTC', from, 2)).toEqual(expected);
  });

  it('needs only one of day-of-month and day-of-week when both are restricted, as cron and CronJob do (C1)', () => {
    expect(slots('0 0 13 * FRI', 'Etc/UTC', '2026-03-07T00:00:00Z', 3)).toEqual([
      '2026-03-13T00:00Z',
      '2026-03-20T00:00Z',
      '2026-03-27T00:00Z',
    ]);
  });

  it('counts a star with a step of 1, or in a list, as a star for that, as CronJob does (C1)', () => {
    for (const day of ['*/1', '*,5']) {
      expect(slots(`0 0 ${day} * MON`, 'Etc/UTC', '2026-03-03T00:00:00Z', 2)).toEqual([
        '2026-03-09T00:00Z',
        '2026-03-16T00:00Z',
      ]);
    }
    expect(slots('  0 0 13 * FRI', 'Etc/UTC', '2026-03-14T00:00:00Z', 1)).toEqual(['2026-03-20T00:00Z']);
  });

  it.each([
    ['Europe/Berlin', '30 2 * * *', '2026-03-28T12:00:00Z', ['2026-03-30T00:30Z', '2026-03-31T00:30Z']],
    ['America/New_York', '30 2 * * *', '2026-03-07T12:00:00Z', ['2026-03-09T06:30Z', '2026-03-10T06:30Z']],
    ['Australia/Lord_Howe', '15 2 * * *', '2026-10-03T00:00:00Z', ['2026-10-04T15:15Z', '2026-10-05T15:15Z']],
  ])('in %s leaves out a time that a change to daylight saving skips (C2)', (timeZone, expression, from, expected) => {
    expect(slots(expression, timeZone, from, 2)).toEqual(expected);
  });

  it.each([
    [
      'Europe/Berlin',
      '30 2 * * *',
      '2026-10-24T12:00:00Z',
      ['2026-10-25T00:30Z', '2026-10-25T01:30Z', '2026-10-26T01:30Z'],
    ],
    [
      'America/New_York',
      '30 1 * * *',
      '2026-10-31T12:00:00Z',
      ['2026-11-01T05:30Z', '2026-11-01T06:30Z', '2026-11-02T06:30Z'],
    ],
  ])(
    'in %s fires twice at a time that a change from daylight saving repeats, as CronJob (C2)',
    (timeZone, expression, from, expected) => {
      expect(slots(expression, timeZone, from, 3)).toEqual(expected);
    },
  );

  it('has the same slots forwards and backwards, and agrees with node-cron where that has a say (C1, C2)', () => {
    const field = (min: number, max: number) =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({ min, max }).map(String),
        fc.integer({ min: 2, max: 7 }).map((step) => `*/${step}`),
      );
    const expression = fc
      .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
      .filter(([, , day, , weekday]) => day === '*' || weekday === '*')
      .map((fields) => fields.join(' '));
    const zone = fc.constantFrom('Etc/UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe');
    const instant = fc.date({ min: new Date('2024-01-01'), max: new Date('2030-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(expression, zone, instant, (text, timeZone, after) => {
        const schedule = parseSchedule(text, timeZone);
        const next = nextSlot(schedule, after);
        if (next === undefined) return;
        expect(createTask(text, () => {}, { timezone: timeZone }).match(next)).toBe(true);
        expect(lastSlot(schedule, after, next)).toEqual(next);
        expect(lastSlot(schedule, after, new Date(next.getTime() - 1))).toBeUndefined();
      }),
      { numRuns: 150 },
    );
  });

  it('misses no minute that node-cron matches (C1)', () => {
    const task = createTask('*/7 3,4 * * SUN', () => {}, { timezone: 'Europe/Berlin' });
    const schedule = parseSchedule('*/7 3,4 * * SUN', 'Europe/Berlin');
    const from = Date.parse('2026-03-28T20:00:00Z');
    const minutes = Array.from({ length: 12 * 60 }, (_, index) => new Date(from + index * 60_000));
    const matched = minutes.filter((minute) => task.match(minute));
    expect(matched.length).toBeGreaterThan(0);
    expect(matched.map((minute) => lastSlot(schedule, new Date(from), minute))).toEqual(matched);
  });
});

describe('an expression that is no schedule is rejected with the reason (C3):', () => {
  it.each([
    ['61 * * * *', /minute: 61/],
    ['* * * *', /must have 5 fields .* not 4/],
    ['0 * * * * *', /must have 5 fields .* not 6/],
    ['@reboot', /unknown descriptor; use one of @hourly/],
    ['0 0 31 2 *', /impossible day/],
    ['0 0 L * *', /"L" is not supported/],
    ['0 0 * * 5#2', /"5#2" is not supported/],
    ['30-10 * * * *', /range "30-10" ends before it begins/],
    ['0 0 * * FRI-MON', /range "FRI-MON" ends before it begins/],
    ['', /5 fields/],
  ])('%s', (expression, message) => {
    expect(scheduleProblems(expression).join()).toMatch(message);
  });
});

it.each([
  ['Europe/Berlin', true],
  ['Etc/UTC', true],
  ['UTC', true],
  ['Mars/Olympus', false],
  ['Local', false],
  ['+02:00', false],
  ['', false],
])('time zone %j is known: %s (C2)', (timeZone, isKnown) => {
  expect(isTimeZone(timeZone)).toBe(isKnown);
});
