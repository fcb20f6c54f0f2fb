import { describe, expect, it } from 'vitest';
import { settled } from '../../../scheduler/run/progress.ts';
import { runFinished } from '../../../scheduler/status/events.ts';
import { buildRun, tried } from '../../helpers/builders.ts';

const succeeded = settled(tried(1), 'Succeeded');
const skipped = (reason: string) => settled(tried(0), 'Skipped', { reason, message: 'left out' });

describe('the event of a run that succeeded', () => {
  it.each([
    ['and cleaned all nodes', succeeded, 'Normal'],
    ['beside a Windows node', skipped('UnsupportedOperatingSystem'), 'Normal'],
    ['beside a Fargate node', skipped('NodeUnsupported'), 'Normal'],
    ['beside a node that was not ready', skipped('NotReady'), 'Warning'],
    ['with a remark of a cleaner', { ...succeeded, reason: 'HistoryNotWritten' }, 'Warning'],
  ])('%s is %j, %s: a skip that nobody can change is no warning (H10)', (_, other, type) => {
    const nodes = new Map([
      ['a', succeeded],
      ['b', other],
    ]);
    const run = buildRun({}, { phase: 'Succeeded', reason: 'Completed', nodes });
    expect(runFinished(run)).toMatchObject({ type, reason: 'RunSucceeded' });
  });
});
