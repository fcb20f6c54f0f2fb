import { describe, expect, it } from 'vitest';
import type { Run } from '../../../scheduler/run/run.ts';
import { conditionsOf } from '../../../scheduler/status/conditions.ts';
import { buildRun, secondsLater, start } from '../../helpers/builders.ts';

const valid = { valid: true, problems: [] };
const now = secondsLater(60);
const ended = (run: Partial<Run>) => buildRun({}, { phase: 'Succeeded', finishedAt: now, ...run });

/** Type, status and reason of each condition. */
const briefly = (...given: Parameters<typeof conditionsOf>) =>
  conditionsOf(...given).map(({ type, status, reason }) => `${type}=${status} ${reason}`);

describe('the conditions of a policy', () => {
  it.each([
    ['before its first run', valid, [], 'Ready=True Valid', 'Progressing=False Idle', 'Degraded=False NoRun'],
    [
      'while a run is active',
      valid,
      [buildRun()],
      'Ready=True Valid',
      'Progressing=True RunActive',
      'Degraded=False NoRun',
    ],
    [
      'while a run is paused',
      valid,
      [buildRun({}, { phase: 'Paused', message: 'set the annotation' })],
      'Ready=True Valid',
      'Progressing=False RunPaused',
      'Degraded=False NoRun',
    ],
    [
      'after a run that succeeded',
      valid,
      [ended({ reason: 'Completed' })],
      'Ready=True Valid',
      'Progressing=False Idle',
      'Degraded=False Completed',
    ],
    [
      'after a run that failed',
      valid,
      [ended({ phase: 'Failed', reason: 'NodesFailed' })],
      'Ready=True Valid',
      'Progressing=False Idle',
      'Degraded=True NodesFailed',
    ],
    [
      'while it is broken',
      { valid: false, problems: [{ path: 'schedule', message: 'minute: 61' }] },
      [],
      'Ready=False InvalidPolicy',
      'Progressing=False Idle',
      'Degraded=False NoRun',
    ],
  ] as const)('%s (C32)', (_title, judged, runs, ...expected) => {
    expect(briefly({ ...judged, problems: [...judged.problems] }, runs, now)).toEqual(expected);
  });

  it('name the problem, the active run, and the reason why the last run failed', () => {
    const problems = [{ path: 'schedule', message: 'minute: 61' }];
    const failed = ended({ name: 'nightly-1', phase: 'Failed', reason: 'NodesFailed', message: '1 of 2 nodes failed' });
    const runs = [failed, buildRun({}, { name: 'nightly-2', startedAt: secondsLater(5) })];
    expect(conditionsOf({ valid: false, problems }, runs, now).map(({ message }) => message)).toEqual([
      'schedule: minute: 61',
      `run nightly-2 has been active since ${secondsLater(5).toISOString()}`,
      'run nightly-1: 1 of 2 nodes failed',
    ]);
  });

  it('describe the newest run that has ended', () => {
    const older = ended({ phase: 'Failed', reason: 'NodesFailed' });
    const newer = ended({ startedAt: secondsLater(30), reason: 'Completed' });
    expect(briefly(valid, [older, newer], now)).toContain('Degraded=False Completed');
  });

  it('keep the result of the last run when its record is gone (C13)', () => {
    const conditions = conditionsOf(valid, [ended({ phase: 'Failed', reason: 'NodesFailed' })], now);
    expect(conditionsOf({ ...valid, conditions }, [], secondsLater(900))).toBe(conditions);
  });

  it('have the time of their last change, whatever the reason, and are the same while nothing changes', () => {
    const conditions = conditionsOf(valid, [], start);
    expect(conditionsOf({ ...valid, conditions }, [], now)).toBe(conditions);
    const later = conditionsOf({ ...valid, conditions }, [ended({ reason: 'Completed' })], now);
    const since = (type: string) => later.find((condition) => condition.type === type)?.lastTransitionTime;
    expect(since('Degraded')).toEqual(start);
    const failed = conditionsOf({ ...valid, conditions }, [ended({ phase: 'Failed' })], now);
    expect(failed.find(({ type }) => type === 'Degraded')?.lastTransitionTime).toEqual(now);
  });
});
