import { describe, expect, it } from 'vitest';
import type { Report } from '../../../contract/report.ts';
import { Metrics } from '../../../scheduler/metrics/metrics.ts';
import { outcomeOf } from '../../../scheduler/run/outcome.ts';
import { encodeRun } from '../../../scheduler/run/record.ts';
import { advanceRun, withStarted } from '../../../scheduler/run/rollout/rollout.ts';
import type { Run } from '../../../scheduler/run/run.ts';
import { conditionsOf } from '../../../scheduler/status/conditions.ts';
import { runFinished } from '../../../scheduler/status/events.ts';
import { buildNode, buildReportedPod, buildRun, start } from '../../helpers/builders.ts';

const missed = 'disk usage is 92.0 %, above lowPercent (80 %): images of 1 GB stay; InUse 999 MB; Excluded 1 MB';
const succeeded: Partial<Report> = {};
const aboveTarget: Partial<Report> = {
  outcome: 'TargetNotMet',
  errors: [{ reason: 'TargetNotMet', message: missed }],
  keptBytes: { InUse: 999_000_000, Excluded: 1_000_000 },
};
const partly: Partial<Report> = {
  outcome: 'PartiallyFailed',
  errors: [{ image: 'a.io/app:1', reason: 'RemovalFailed', message: 'busy' }],
};
const nothing: Partial<Report> = {
  ...partly,
  images: { total: 5, inUse: 2, removed: 0, failed: 3, skipped: 0, unknown: 0, kept: 2 },
};

/** A run on as many nodes as there are reports, when all of them have been read. */
function endRunWith(...reports: readonly Partial<Report>[]): Run {
  const names = reports.map((_, index) => `node-${index}`);
  const pods = reports.map((report, index) => buildReportedPod(`node-${index}`, report));
  const run = withStarted(buildRun(), names);
  return advanceRun(
    { run, nodes: names.map((name) => buildNode(name)), pods, startTimeoutMs: 60_000, podWarnings: new Map() },
    start,
  ).run;
}

describe('the outcome of a run (H15)', () => {
  it.each([
    ['Succeeded', 'all nodes are done', endRunWith(succeeded, succeeded)],
    ['TargetNotMet', 'a node is above its target though all was done', endRunWith(succeeded, aboveTarget)],
    ['PartiallyFailed', 'one image of many could not be removed', endRunWith(partly)],
    ['PartiallyFailed', 'one node of two has failed', endRunWith(succeeded, nothing)],
    ['PartiallyFailed', 'one has failed and one is above its target', endRunWith(aboveTarget, nothing)],
    ['NoMatchingNodes', 'no node matches', endRunWith()],
    ['Failed', 'nothing was removed anywhere', endRunWith(nothing)],
  ])('is %s if %s: in record, event, condition and metric', async (outcome, _, run) => {
    expect(outcomeOf(run)).toBe(outcome);
    expect(encodeRun(run)['run.yaml']).toContain(`\noutcome: ${outcome}\n`);
    expect(runFinished(run)).toMatchObject({
      type: outcome === 'Succeeded' ? 'Normal' : 'Warning',
      reason: `Run${outcome}`,
    });
    const degraded = conditionsOf({ valid: true, problems: [] }, [run], start).find(({ type }) => type === 'Degraded');
    expect(degraded?.status).toBe(outcome === 'Succeeded' ? 'False' : 'True');
    const metrics = new Metrics('1');
    metrics.observeEnd(run);
    expect((await metrics.read()).text).toContain(`nodesweep_runs_total{policy="nightly",outcome="${outcome}"} 1`);
  });

  it('differs in the reason of the condition too', () => {
    const runs = [[succeeded], [aboveTarget], [partly], [], [nothing]].map((reports) => endRunWith(...reports));
    const reasons = runs.map((run) => conditionsOf({ valid: true, problems: [] }, [run], start)[2]?.reason);
    expect(new Set(reasons).size).toBe(runs.length);
  });

  it('is undefined while the run is active', () => {
    expect(outcomeOf(buildRun())).toBeUndefined();
    expect(outcomeOf(buildRun({}, { phase: 'Paused' }))).toBeUndefined();
  });

  it('is no success for a record without nodes that an earlier version wrote', () => {
    expect(outcomeOf(buildRun({}, { phase: 'Succeeded', reason: 'NoMatchingNodes' }))).toBe('NoMatchingNodes');
  });

  it('has the kept bytes by reason for a missed target, in record and event', () => {
    const run = endRunWith(succeeded, aboveTarget);
    expect(run).toMatchObject({ phase: 'Succeeded', reason: 'TargetNotMet' });
    expect(runFinished(run).message).toContain(`node-1: TargetNotMet: ${missed}`);
    expect(encodeRun(run)['run.yaml']).toContain(missed);
  });

  it('without a matching node names the policy fields to check', () => {
    expect(runFinished(endRunWith()).message).toMatch(
      /no node of the cluster matches the policy: check its field nodes/,
    );
  });
});

it.each([
  ['with too many removals', 'TooManyRemovals', '9 of 10 images would go'],
  ['without an image set that protects', 'ImageSetUnreadable', "image set frozen can't be read"],
])('a node %s fails immediately, and is not tried again (H16, S3)', (_which, reason, message) => {
  const refused: Partial<Report> = { outcome: 'Failed', errors: [{ reason, message }] };
  const run = endRunWith(refused);
  expect(run).toMatchObject({ phase: 'Failed', reason: 'NodesFailed' });
  expect(run.nodes.get('node-0')).toMatchObject({ attempts: 1, result: 'Failed', reason });
  expect(runFinished(run).message).toContain(message);
});
