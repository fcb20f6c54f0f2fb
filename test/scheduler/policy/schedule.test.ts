import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  lastScheduledTime,
  nextScheduledTime,
  parseSchedule,
  scheduleProblems,
} from '../../../scheduler/policy/schedule.ts';
import { isTimeZone } from '../../../scheduler/policy/wall-clock.ts';

/** All that CronJob's own parser says; the README beside the file describes its lines. */
const answers: readonly (readonly [string, string?, number?, number[]?])[] = readFileSync(
  new URL('../../fixtures/cron/answers.txt', import.meta.url),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
const taken = answers.filter(([, zone]) => zone !== undefined);

const scheduledTimes = (expression: string, timeZone: string, from: string, count: number) => {
  const schedule = parseSchedule(expression, timeZone);
  const found: string[] = [];
  for (let after = new Date(from); found.length < count; ) {
    const scheduledTime = nextScheduledTime(schedule, after);
    if (scheduledTime === undefined) break;
    found.push(scheduledTime.toISOString().replace(':00.000Z', 'Z'));
    after = scheduledTime;
  }
  return found;
};

describe('a schedule', () => {
  it.each([
    ['*/5 * * * *', '2026-03-02T10:02:30Z', ['2026-03-02T10:05Z', '2026-03-02T10:10Z']],
    ['30 6 * * *', '2026-03-02T06:30:00Z', ['2026-03-03T06:30Z', '2026-03-04T06:30Z']],
    ['0 9 * * MON-FRI', '2026-03-06T10:00:00Z', ['2026-03-09T09:00Z', '2026-03-10T09:00Z']],
    ['0 0 29 2 *', '2026-03-02T00:00:00Z', ['2028-02-29T00:00Z', '2032-02-29T00:00Z']],
    ['0 0 * * SUN', '2026-03-02T00:00:00Z', ['2026-03-08T00:00Z', '2026-03-15T00:00Z']],
    ['@hourly', '2026-03-02T10:00:00Z', ['2026-03-02T11:00Z', '2026-03-02T12:00Z']],
    ['@daily', '2026-03-02T10:00:00Z', ['2026-03-03T00:00Z', '2026-03-04T00:00Z']],
    ['@weekly', '2026-03-02T10:00:00Z', ['2026-03-08T00:00Z', '2026-03-15T00:00Z']],
    ['@monthly', '2026-03-02T10:00:00Z', ['2026-04-01T00:00Z', '2026-05-01T00:00Z']],
    ['@yearly', '2026-03-02T10:00:00Z', ['2027-01-01T00:00Z', '2028-01-01T00:00Z']],
  ])('%s fires at its exact scheduled times (C1)', (expression, from, expected) => {
    expect(scheduledTimes(expression, 'Etc/UTC', from, 2)).toEqual(expected);
  });

  it('needs only one of day-of-month and day-of-week when both are restricted, as in cron and CronJob (C1)', () => {
    expect(scheduledTimes('0 0 13 * FRI', 'Etc/UTC', '2026-03-07T00:00:00Z', 3)).toEqual([
      '2026-03-13T00:00Z',
      '2026-03-20T00:00Z',
      '2026-03-27T00:00Z',
    ]);
  });

  it('counts a star with a step of 1, or in a list, as a star for this rule, as CronJob does (C1)', () => {
    for (const day of ['*/1', '*,5']) {
      expect(scheduledTimes(`0 0 ${day} * MON`, 'Etc/UTC', '2026-03-03T00:00:00Z', 2)).toEqual([
        '2026-03-09T00:00Z',
        '2026-03-16T00:00Z',
      ]);
    }
    expect(scheduledTimes('  0 0 13 * FRI', 'Etc/UTC', '2026-03-14T00:00:00Z', 1)).toEqual(['2026-03-20T00:00Z']);
  });

  it.each([
    ['Europe/Berlin', '30 2 * * *', '2026-03-28T12:00:00Z', ['2026-03-30T00:30Z', '2026-03-31T00:30Z']],
    ['America/New_York', '30 2 * * *', '2026-03-07T12:00:00Z', ['2026-03-09T06:30Z', '2026-03-10T06:30Z']],
    ['Australia/Lord_Howe', '15 2 * * *', '2026-10-03T00:00:00Z', ['2026-10-04T15:15Z', '2026-10-05T15:15Z']],
  ])('in %s leaves out a time that a change to daylight saving skips (C2)', (timeZone, expression, from, expected) => {
    expect(scheduledTimes(expression, timeZone, from, 2)).toEqual(expected);
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
    [
      'Australia/Lord_Howe',
      '45 1 * * *',
      '2026-04-04T00:00:00Z',
      ['2026-04-04T14:45Z', '2026-04-04T15:15Z', '2026-04-05T15:15Z'],
    ],
  ])(
    'in %s fires twice at a time that a change from daylight saving repeats, as in CronJob (C2)',
    (timeZone, expression, from, expected) => {
      expect(scheduledTimes(expression, timeZone, from, 3)).toEqual(expected);
    },
  );

  it.each([
    ['Europe/Berlin', '2026-03-29T00:00:00Z', '2026-10-25T00:00:00Z'],
    ['America/New_York', '2026-03-08T06:00:00Z', '2026-11-01T05:00:00Z'],
    ['Australia/Lord_Howe', '2026-10-03T14:30:00Z', '2026-04-04T14:00:00Z'],
  ])('in %s an interval continues through both daylight-saving changes (C2)', (timeZone, ...changes) => {
    for (const from of changes) {
      const found = scheduledTimes('*/15 * * * *', timeZone, from, 16).map((scheduledTime) =>
        Date.parse(scheduledTime),
      );
      expect(found).toEqual(found.map((_, index) => Date.parse(from) + (index + 1) * 900_000));
      const schedule = parseSchedule('*/15 * * * *', timeZone);
      for (const scheduledTime of found)
        expect(lastScheduledTime(schedule, new Date(from), new Date(scheduledTime + 60_000))?.getTime()).toBe(
          scheduledTime,
        );
    }
  });

  it.each([
    ['Europe/Berlin', '30 2 * * *', '2026-03-29T12:00:00Z', '2026-03-28T01:30:00.000Z'],
    ['Europe/Berlin', '30 2 * * *', '2026-10-25T01:29:00Z', '2026-10-25T00:30:00.000Z'],
    ['America/New_York', '30 2 * * *', '2026-03-08T12:00:00Z', '2026-03-07T07:30:00.000Z'],
    ['America/New_York', '30 1 * * *', '2026-11-01T06:29:00Z', '2026-11-01T05:30:00.000Z'],
    ['Australia/Lord_Howe', '15 2 * * *', '2026-10-04T00:00:00Z', '2026-10-02T15:45:00.000Z'],
    ['Australia/Lord_Howe', '45 1 * * *', '2026-04-04T15:14:00Z', '2026-04-04T14:45:00.000Z'],
  ])(
    'in %s the scheduled time of %s that was missed before %s is the one of %s (C2, C4)',
    (timeZone, expression, now, scheduledTime) => {
      const schedule = parseSchedule(expression, timeZone);
      expect(lastScheduledTime(schedule, new Date('2026-01-01'), new Date(now))?.toISOString()).toBe(scheduledTime);
    },
  );

  it('leaves out a midnight that a change to daylight saving skips, as CronJob (C2)', () => {
    expect(scheduledTimes('@daily', 'America/Santiago', '2026-09-05T12:00:00Z', 2)).toEqual([
      '2026-09-07T03:00Z',
      '2026-09-08T03:00Z',
    ]);
  });

  it('has the same scheduled times forwards and backwards (C1, C2)', () => {
    const field = (min: number, max: number) =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({ min, max }).map(String),
        fc.integer({ min: 2, max: 7 }).map((step) => `*/${step}`),
      );
    const expression = fc
      .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
      .map((fields) => fields.join(' '));
    const zone = fc.constantFrom('Etc/UTC', 'Europe/Berlin', 'America/New_York', 'America/Santiago', 'Asia/Kathmandu');
    const instant = fc.date({ min: new Date('2020-01-01'), max: new Date('2037-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(expression, zone, instant, (text, timeZone, after) => {
        const schedule = parseSchedule(text, timeZone);
        const next = nextScheduledTime(schedule, after);
        if (next === undefined) return;
        expect(lastScheduledTime(schedule, after, next)).toEqual(next);
        expect(lastScheduledTime(schedule, after, new Date(next.getTime() - 1))).toBeUndefined();
      }),
      { numRuns: 100 },
    );
  });

  it('has one answer, whatever the requests before', () => {
    const instant = fc.date({ min: new Date('2025-01-01'), max: new Date('2027-01-01'), noInvalidDate: true });
    const question = fc.record({ after: instant, now: instant });
    fc.assert(
      fc.property(
        fc.constantFrom('0 3 * * 1', '@yearly', '*/7 2 * * *'),
        fc.array(question),
        (expression, questions) => {
          const asked = parseSchedule(expression, 'Europe/Berlin');
          for (const { after, now } of questions) {
            const fresh = () => parseSchedule(expression, 'Europe/Berlin');
            expect(nextScheduledTime(asked, after)).toEqual(nextScheduledTime(fresh(), after));
            expect(lastScheduledTime(asked, after, now)).toEqual(lastScheduledTime(fresh(), after, now));
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('CronJob', () => {
  it('accepts and refuses the same expressions, of thousands (H19)', () => {
    expect(answers.length).toBeGreaterThan(5_000);
    const differing = answers.filter(([text, zone]) => (scheduleProblems(text).length === 0) !== (zone !== undefined));
    expect(differing).toEqual([]);
  });

  it('fires at the same instants, also around daylight-saving changes (H19, C1, C2)', () => {
    const differing = taken.filter(([text, zone = '', from = 0, gaps = []]) => {
      const schedule = parseSchedule(text, zone);
      let after = new Date(from * 1000);
      const found = gaps.map((gap) => {
        const next = nextScheduledTime(schedule, after);
        const isSame = next?.getTime() === after.getTime() + gap * 1000;
        after = next ?? after;
        return isSame;
      });
      const hasMore = gaps.length < 8 && nextScheduledTime(schedule, after) !== undefined;
      return hasMore || found.includes(false);
    });
    expect(differing).toEqual([]);
  });

  it('has each of these instants as its last one from then on until the next one (H19, C4)', () => {
    const sample = taken.filter((_, index) => index % 7 === 0);
    const differing = sample.filter(([text, zone = '', from = 0, gaps = []]) => {
      let scheduledTime = from;
      return gaps.some((gap) => {
        const before = lastScheduledTime(
          parseSchedule(text, zone),
          new Date(from * 1000),
          new Date((scheduledTime + gap) * 1000 - 1),
        );
        scheduledTime += gap;
        const last = lastScheduledTime(
          parseSchedule(text, zone),
          new Date(from * 1000),
          new Date(scheduledTime * 1000),
        );
        const expected = scheduledTime - gap === from ? undefined : (scheduledTime - gap) * 1000;
        return last?.getTime() !== scheduledTime * 1000 || before?.getTime() !== expected;
      });
    });
    expect(differing).toEqual([]);
  });
});

it('the scheduled times of @every count from the last one, or from when the schedule was set (H19)', () => {
  const schedule = parseSchedule('@every 90s', 'Etc/UTC');
  const since = new Date('2026-03-02T10:00:07.400Z');
  expect(nextScheduledTime(schedule, new Date('2026-03-02T10:02:00Z'), since)).toEqual(
    new Date('2026-03-02T10:03:07Z'),
  );
  expect(lastScheduledTime(schedule, since, new Date('2026-03-02T10:03:06Z'))).toEqual(
    new Date('2026-03-02T10:01:37Z'),
  );
  expect(lastScheduledTime(schedule, since, new Date('2026-03-02T10:01:36Z'))).toBeUndefined();
});

it('500 schedules that fire once a year need almost no CPU for repeated requests (H31)', () => {
  const schedules = Array.from({ length: 500 }, () => parseSchedule('@yearly', 'Europe/Berlin'));
  const [since, now] = [new Date('2026-02-01'), new Date('2026-11-25')];
  const ask = () =>
    schedules.map((schedule) => lastScheduledTime(schedule, since, now) ?? nextScheduledTime(schedule, now));
  ask();
  const before = performance.now();
  for (let pass = 0; pass < 20; pass += 1) ask();
  expect(performance.now() - before).toBeLessThan(1_000);
});

describe('an expression that is not a schedule is rejected with the reason (C3):', () => {
  it.each([
    ['61 * * * *', /minute: 61 is not between 0 and 59/],
    ['* * * *', /must have 5 fields .* not 4/],
    ['0 * * * * *', /must have 5 fields .* not 6/],
    ['@reboot', /unknown descriptor; use one of @hourly/],
    ['@every soon', /needs a duration, like @every 90s/],
    ['CRON_TZ=Europe/Berlin 0 3 * * *', /timeZone: Europe\/Berlin, and schedule: "0 3 \* \* \*"/],
    ['0 0 * * 7', /7 is not between 0 and 6; Sunday is 0/],
    ['61 99 * * *', /minute: 61 .*hour: 99/],
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
