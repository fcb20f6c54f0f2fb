import { expect, it } from 'vitest';
import { describeProgress, describeRest } from '../../../../cli/output/run/progress-line.ts';
import { type NodeProgress, settled, started, waiting } from '../../../../scheduler/run/progress.ts';
import { buildPod, buildReportedPod, buildRun, secondsLater, tried } from '../../../helpers/builders.ts';
import { tally } from '../../../helpers/ended-run.ts';

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
  expect(describeProgress(run, pods)).toBe(
    '4 of 5 nodes: 2 succeeded, 1 failed, 1 skipped; 0 images removed, 0 B freed',
  );
});

it('does not count a failed pod as the end of its node', () => {
  const run = buildRun({}, { nodes: nodes({ a: started(waiting, 0) }) });
  const pods = [buildReportedPod('a', { outcome: 'Failed' })];
  expect(describeProgress(run, pods)).toBe(
    '0 of 1 nodes: 0 succeeded, 0 failed, 0 skipped; 0 images removed, 0 B freed',
  );
});

it('shows the reason why a run is paused, and the way to resume it', () => {
  const run = buildRun({}, { phase: 'Paused', message: 'set the annotation' });
  expect(describeProgress(run, [])).toBe(
    '0 of 0 nodes: 0 succeeded, 0 failed, 0 skipped; 0 images removed, 0 B freed; paused: set the annotation',
  );
});

it('shows the bytes that are freed so far', () => {
  const run = buildRun({}, { nodes: nodes({ a: settled(tried(1), 'Succeeded', { tally }), b: started(waiting, 0) }) });
  expect(describeProgress(run, [])).toBe(
    '1 of 2 nodes: 1 succeeded, 0 failed, 0 skipped; 3 images removed, 3 GiB freed',
  );
});

it('estimates the rest from the nodes that are done', () => {
  const run = buildRun(
    {},
    { nodes: nodes({ a: settled(tried(1), 'Succeeded'), b: started(waiting, 0), c: waiting, d: waiting }) },
  );
  const later = secondsLater(60, run.startedAt);
  expect(describeRest(run, [], later)).toBe('about 3m left');
  expect(describeRest(run, [buildReportedPod('b')], later)).toBe('about 1m left');
  expect(describeRest({ ...run, phase: 'Paused' }, [], later)).toBeUndefined();
  expect(describeRest(buildRun({}, { nodes: nodes({ a: waiting }) }), [], later)).toBeUndefined();
});
