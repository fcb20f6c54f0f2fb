import { describe, expect, it } from 'vitest';
import { runKinds } from '../../../scheduler/kinds.ts';
import { parseOnce } from '../../../scheduler/policy/parse-once.ts';
import { settled } from '../../../scheduler/run/progress.ts';
import type { Run } from '../../../scheduler/run/run.ts';
import { type PolicyStatus, statusOf } from '../../../scheduler/status/status.ts';
import { countWithoutSuccess } from '../../../scheduler/status/without-success.ts';
import { buildPolicyObject, buildRun, buildSpec, secondsLater, start, tried } from '../../helpers/builders.ts';

const hour = 3_600;

function statusSince(seconds: number, lastSuccess?: number): PolicyStatus {
  return {
    policyUid: 'uid-1',
    observedVersion: '1',
    valid: true,
    problems: [],
    scheduleSince: secondsLater(seconds),
    ...(lastSuccess !== undefined && { lastSuccessfulTime: secondsLater(lastSuccess) }),
  };
}

describe('the scheduled times without success (H61)', () => {
  it.each<[what: string, count: number, status: PolicyStatus, after: number, runs: readonly Run[]]>([
    ['after a success', 0, statusSince(-hour, 60), 0.5 * hour, []],
    ['of a policy that is new', 2, statusSince(60), 2.5 * hour, []],
    ['after a success that is older than the schedule', 1, statusSince(1.5 * hour, 60), 2.5 * hour, []],
    ['after days', 10, statusSince(0, 60), 100 * hour, []],
    [
      'while the run of the last of them is active',
      1,
      statusSince(0, 60),
      2.5 * hour,
      [buildRun({}, { trigger: { type: 'Schedule', slot: secondsLater(2 * hour) } })],
    ],
    [
      'while a requested run has been active for long',
      1,
      statusSince(0, 60),
      9 * hour,
      [buildRun({}, { startedAt: secondsLater(1.5 * hour), trigger: { type: 'Request', request: 'x' } })],
    ],
    [
      'while only nodes under pressure are cleaned',
      2,
      statusSince(0, 60),
      2.5 * hour,
      [buildRun({}, { trigger: { type: 'Pressure', after: start } })],
    ],
  ])('%s are %i', (_, count, status, after, runs) => {
    expect(countWithoutSuccess(status, buildSpec(), runs, secondsLater(after))).toBe(count);
  });

  it('are none while the policy is suspended', () => {
    expect(countWithoutSuccess(statusSince(0), buildSpec({ suspend: true }), [], secondsLater(9 * hour))).toBe(0);
  });

  it('follow irregular schedules: a weekend is no failure', () => {
    const workdays = buildSpec({ schedule: '0 9 * * 1-5' });
    const friday = new Date('2026-03-06T09:05:00Z');
    const status = { ...statusSince(0), lastSuccessfulTime: friday };
    expect(countWithoutSuccess(status, workdays, [], new Date('2026-03-09T08:59:00Z'))).toBe(0);
    expect(countWithoutSuccess({ ...status }, workdays, [], new Date('2026-03-10T09:30:00Z'))).toBe(2);
  });
});

describe('the last success in the status (H61)', () => {
  const object = buildPolicyObject();
  const parsed = parseOnce(object, runKinds);
  const statusWith = (runs: readonly Run[], stored?: PolicyStatus) =>
    statusOf({ object, parsed, runs, now: secondsLater(99) }, stored && { value: stored, resourceVersion: '1' });
  const ended = (at: number, run: Partial<Run> = {}) =>
    buildRun({}, { phase: 'Succeeded', reason: 'Completed', finishedAt: secondsLater(at), ...run });

  it('is the end of the last run for all nodes that did all of its work', () => {
    const runs = [
      ended(10),
      ended(20, { reason: 'TargetNotMet' }),
      ended(30, { trigger: { type: 'Nodes', after: start } }),
      ended(40, { phase: 'Failed', reason: 'NoMatchingNodes' }),
      ended(50, { phase: 'Failed', reason: 'NodesFailed', nodes: new Map([['a', settled(tried(1), 'Failed')]]) }),
    ];
    expect(statusWith(runs).lastSuccessfulTime).toEqual(secondsLater(20));
  });

  it('stays when the records are deleted, and never goes back', () => {
    const stored = statusWith([ended(20)]);
    expect(statusWith([], stored).lastSuccessfulTime).toEqual(secondsLater(20));
    expect(statusWith([ended(10)], stored).lastSuccessfulTime).toEqual(secondsLater(20));
  });
});
