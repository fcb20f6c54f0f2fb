import { expect, it } from 'vitest';
import { describeProgress } from '../../../cli/output/progress-line.ts';
import { type NodeProgress, settled, started, waiting } from '../../../scheduler/run/progress.ts';
import { buildPod, buildReportedPod, buildRun, tried } from '../../helpers/builders.ts';

const nodes = (entries: Record<string, NodeProgress>) => new Map(Object.entries(entries));

it('counts nodes by the record, and by pods that have succeeded since (C32)', () => {
  const run = buildRun(
    {},
    {
      nodes: nodes({
        a: settled(tried(1), 'Succeeded'),
        b: started(waiting, 0),
        c: settled(tried(1), 'Failed'),
        d: settled(tried(0), 'Skipped'),
        e: started(waiting, 0),
      }),
    },
  );
  const pods = [buildReportedPod('a'), buildReportedPod('b'), buildPod('e')];
  expect(describeProgress(run, pods)).toBe('4 of 5 nodes: 2 succeeded, 1 failed, 1 skipped');
});

it('does not count a failed pod as the end of its node', () => {
  const run = buildRun({}, { nodes: nodes({ a: started(waiting, 0) }) });
  const pods = [buildReportedPod('a', { outcome: 'Failed' })];
  expect(describeProgress(run, pods)).toBe('0 of 1 nodes: 0 succeeded, 0 failed, 0 skipped');
});

it('shows the reason why a run is paused, and the way to resume it', () => {
  const run = buildRun({}, { phase: 'Paused', message: 'set the annotation' });
  expect(describeProgress(run, [])).toBe('0 of 0 nodes: 0 succeeded, 0 failed, 0 skipped; paused: set the annotation');
});
