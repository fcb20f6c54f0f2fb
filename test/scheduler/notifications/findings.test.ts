import { describe, expect, it } from 'vitest';
import { findingsOf } from '../../../scheduler/notifications/findings.ts';
import type { Subject } from '../../../scheduler/notifications/told.ts';
import { settled } from '../../../scheduler/run/progress.ts';
import type { Run } from '../../../scheduler/run/run.ts';
import { buildRun, secondsLater, start, tried } from '../../helpers/builders.ts';

const tally = { planned: 0, removed: 3, failed: 0, skipped: 0, unknown: 0, freedBytes: 0, nominalBytes: 0 };
const good = settled(tried(1), 'Succeeded', { tally });
const bad = settled(tried(1), 'Failed', { reason: 'NotStarted', message: 'no room' });
const full = settled(tried(1), 'Succeeded', { tally, reason: 'TargetNotMet' });
const pressure: Run['trigger'] = { type: 'Pressure', after: start };
const valid = { valid: true, problems: [] };

let ends = 0;
function ended(nodes: Record<string, typeof good>, run: Partial<Run> = {}): Run {
  ends += 1;
  const times = { startedAt: secondsLater(ends), finishedAt: secondsLater(ends + 1) };
  const map = new Map(Object.entries(nodes));
  const hasFailed = Object.values(nodes).includes(bad);
  const end = hasFailed
    ? ({ phase: 'Failed', reason: 'NodesFailed' } as const)
    : ({ phase: 'Succeeded', reason: 'Completed' } as const);
  return buildRun({}, { ...end, ...times, nodes: map, ...run });
}

const stateOf = (subject: Subject, runs: readonly Run[], status = {}) => {
  const finding = findingsOf({ ...valid, ...status }, runs).find((one) => one.subject === subject);
  return finding?.kind === 'Bad' ? finding.state : finding?.kind;
};

describe('the state of runs for notifications (H62)', () => {
  it.each<[state: string | undefined, what: string, runs: readonly Run[]]>([
    [undefined, 'nothing has run', []],
    [undefined, 'a run is active', [buildRun()]],
    ['Well', 'the last run succeeded', [ended({ a: bad }), ended({ a: good })]],
    ['PartiallyFailed', 'some nodes failed', [ended({ a: good, b: bad })]],
    ['Failed', 'all nodes failed', [ended({ a: good }), ended({ a: bad })]],
    [
      'Failed',
      'only nodes under pressure have succeeded since',
      [ended({ a: bad }), ended({ b: good }, { trigger: pressure })],
    ],
    [
      'Failed',
      'nodes under pressure failed after a success',
      [ended({ a: good }), ended({ b: bad }, { trigger: pressure })],
    ],
    ['Well', 'the run that failed was replaced', [ended({ a: good }), ended({ a: bad }, { reason: 'Replaced' })]],
    [undefined, 'no node matches', [ended({ a: bad }), ended({}, { phase: 'Failed', reason: 'NoMatchingNodes' })]],
    ['Well', 'disks stayed above their target', [ended({ a: full }, { reason: 'TargetNotMet' })]],
  ])('is %s if %s', (state, _, runs) => {
    expect(stateOf('Run', runs)).toBe(state);
  });
});

describe('the state of image sets for notifications (S6, H62)', () => {
  const condition = (status: 'True' | 'False') => ({
    conditions: [{ type: 'ImageSets', status, reason: 'SetMissing', message: 'words', lastTransitionTime: start }],
  });
  it.each<[state: string | undefined, what: string, status: object]>([
    ['ImageSetProblem', 'one is missing', condition('False')],
    ['ImageSetProblem', 'one is missing, and the policy is not valid', { valid: false, ...condition('False') }],
    ['Well', 'all can be read', condition('True')],
    ['Well', 'the policy no longer names any', { conditions: [] }],
    [undefined, 'the policy is not valid', { valid: false }],
  ])('is %s if %s', (state, _, status) => {
    expect(stateOf('ImageSets', [], status)).toBe(state);
  });
});

describe('the state of disks for notifications (H62)', () => {
  it.each<[state: string | undefined, what: string, runs: readonly Run[]]>([
    [undefined, 'nothing has run', []],
    ['DiskAboveTarget', 'a node stayed above the target', [ended({ a: good, b: full }, { reason: 'TargetNotMet' })]],
    ['Well', 'no node is above it any more', [ended({ a: full }), ended({ a: good })]],
    [undefined, 'a run failed on nodes, so their disks are unknown', [ended({ a: full }), ended({ a: bad, b: good })]],
    ['DiskAboveTarget', 'a run that failed everywhere came after it', [ended({ a: full }), ended({ a: bad })]],
    [undefined, 'only nodes under pressure were cleaned', [ended({ b: good }, { trigger: pressure })]],
  ])('is %s if %s', (state, _, runs) => {
    expect(stateOf('Disk', runs)).toBe(state);
  });
});

it('a missed scheduled time is bad until a later run starts, a paused run until it goes on, a policy until it is valid (H62)', () => {
  expect(stateOf('Schedule', [])).toBe('Well');
  expect(stateOf('Schedule', [], { missedSlot: start })).toBe('SlotMissed');
  expect(stateOf('Schedule', [], { missedSlot: start, lastSlot: secondsLater(-60) })).toBe('SlotMissed');
  expect(stateOf('Schedule', [], { missedSlot: start, lastSlot: secondsLater(60) })).toBe('Well');
  expect(stateOf('Pause', [buildRun({}, { phase: 'Paused' })])).toBe('RunPaused');
  expect(stateOf('Pause', [buildRun()])).toBe('Well');
  expect(stateOf('Policy', [], { valid: false, problems: [{ path: 'schedule', message: 'is wrong' }] })).toBe(
    'InvalidPolicy',
  );
  expect(stateOf('Schedule', [], { valid: false, missedSlot: start })).toBeUndefined();
});

it('the texts name the cause on one line of limited length, however many nodes and images there are (H62)', () => {
  const words = settled(tried(1), 'Failed', { reason: 'X', message: `line\nother\t${'x'.repeat(280)}` });
  const many = Object.fromEntries(
    Array.from({ length: 5_000 }, (_, index) => [`node-${index}`, index % 2 ? words : full]),
  );
  const findings = findingsOf({ valid: false, problems: Array(500).fill({ path: 'a', message: 'b'.repeat(90) }) }, [
    ended(many, { phase: 'Failed', reason: 'NodesFailed' }),
    buildRun({}, { phase: 'Paused', message: 'm'.repeat(900) }),
  ]);
  expect(findings.map(({ kind }) => kind)).toEqual(['Bad', 'Bad', 'Bad', 'Bad']);
  for (const { text } of findings) {
    expect(text.length).toBeLessThanOrEqual(300);
    expect(text).not.toMatch(/[\n\t]/);
  }
  expect(findings.find(({ subject }) => subject === 'Disk')?.text).toContain(
    'node-0, node-10, node-100 and 2497 others',
  );
});
