import { describe, expect, it } from 'vitest';
import type { CleanupDocument } from '../../../scheduler/cleanup/policy.ts';
import { runKinds } from '../../../scheduler/kinds.ts';
import { parsePolicy } from '../../../scheduler/policy/parse.ts';
import {
  decodeStatus,
  encodeStatus,
  judgePolicy,
  type PolicyStatus,
  statusOf,
} from '../../../scheduler/status/status.ts';
import { buildPolicyObject, secondsLater, start } from '../../helpers/builders.ts';

/** The status after the scheduler has seen the policy as it is then; it goes through its stored form. */
function observe(document: Partial<CleanupDocument>, version: string, now: Date, before?: PolicyStatus): PolicyStatus {
  const object = buildPolicyObject(document, { resourceVersion: version });
  const parsed = parsePolicy(object.name, object.data, runKinds);
  const stored = before && { value: before, resourceVersion: version };
  const status = statusOf({ object, parsed, runs: [], now }, stored);
  return decodeStatus(encodeStatus(status));
}

describe('the scheduled times of a policy begin', () => {
  it('when it is created, also if nobody saw it then (C4)', () => {
    expect(observe({}, '1', start).scheduleSince).toEqual(secondsLater(-3600));
  });

  it.each([
    ['schedule', { schedule: '61 * * * *' }],
    ['time zone', { timeZone: 'Mars/Olympus' }],
  ])('when its %s is fixed, which was never valid: not at a time before (C3, C9)', (_title, broken) => {
    const invalid = observe(broken, '1', secondsLater(-1800));
    const fixed = observe({}, '2', secondsLater(10), invalid);
    expect(fixed).toMatchObject({ valid: true, scheduleSince: secondsLater(10), nextSlot: secondsLater(3600) });
  });

  it('as before if the schedule stayed the same while something else was not valid (C9)', () => {
    const first = observe({}, '1', secondsLater(-1800));
    const invalid = observe({ rollout: { parallelism: 0 } }, '2', secondsLater(-60), first);
    expect(observe({}, '3', secondsLater(10), invalid).scheduleSince).toEqual(secondsLater(-3600));
  });

  it('now if the status has a missed scheduled time in the future, from a wrong clock (H34)', () => {
    const status = { ...observe({}, '1', start), missedSlot: secondsLater(86_400) };
    const object = buildPolicyObject({}, { resourceVersion: '1' });
    const stored = { value: status, resourceVersion: '1' };
    const judged = judgePolicy(
      { object, parsed: parsePolicy(object.name, object.data, runKinds), runs: [], now: start },
      stored,
    );
    expect(judged).toMatchObject({ scheduleSince: start });
    expect(judged.missedSlot).toBeUndefined();
  });
});

it('a policy that an earlier version of nodesweep did not accept is judged again (P11)', () => {
  const before: PolicyStatus = { ...observe({ schedule: 'nonsense' }, '1', start), observedVersion: '2' };
  expect(observe({}, '2', secondsLater(10), before)).toMatchObject({ valid: true, problems: [] });
});

describe('a schedule that is valid and never fires (H19)', () => {
  it.each(['0 0 31 2 *', '0 0 30 2 ?', ', * * * *'])('%s is shown in the Ready condition', (schedule) => {
    expect(observe({ schedule }, '1', start).conditions?.[0]).toMatchObject({
      type: 'Ready',
      status: 'True',
      reason: 'ScheduleNeverFires',
      message: 'the policy is valid, but its schedule has no time in the next five years',
    });
  });

  it.each([{ schedule: '0 0 29 2 *' }, { schedule: '0 0 31 4 MON' }, { schedule: '0 0 31 2 *', suspend: true }])(
    'is not %j',
    (document) => {
      expect(observe(document, '1', start).conditions?.[0]).toMatchObject({ reason: 'Valid' });
    },
  );
});
