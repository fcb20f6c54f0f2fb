import { describe, expect, it } from 'vitest';
import type { ImageEvent } from '../../../cleaner/report/events.ts';
import { NodeStatusError, readNodeStatus } from '../../../cli/cluster/node-status.ts';
import type { CleanerLog } from '../../../cli/cluster/plans/plan-report.ts';
import { plainScreen } from '../../../cli/output/layout/screen.ts';
import { formatNodeStatus } from '../../../cli/output/node-status.ts';
import { backingOff, type NodeProgress, settled, waiting } from '../../../scheduler/run/progress.ts';
import * as build from '../../helpers/builders.ts';

const view = { now: build.secondsLater(7_200), screen: plainScreen, isWide: false };
const imageLine = (event: Partial<ImageEvent> = {}) =>
  JSON.stringify({ level: 'info', event: 'image', id: 'i', names: [], decision: 'keep', sizeBytes: 1, ...event });
const reportLine = (total: number) =>
  JSON.stringify({ event: 'report', ...build.buildReport({ images: { ...build.buildReport().images, total } }) });
const logOf = (lines: readonly string[], run = 'nightly-1'): CleanerLog => ({
  policy: 'nightly',
  run,
  node: 'a',
  finishedAt: build.start,
  text: lines.join('\n'),
});

/** The status of node `a`, whose newest run has this progress and this log. */
function read(progress: NodeProgress, log?: CleanerLog) {
  const run = build.buildRun({}, { name: 'nightly-1', policy: 'nightly', nodes: new Map([['a', progress]]) });
  const records = {
    policies: [build.buildPolicyObject()],
    statuses: new Map(),
    runs: [{ value: run, resourceVersion: '1', uid: 'u' }],
    unreadable: [],
  };
  const cluster = { readRecords: async () => records, readLastLog: async () => log };
  return readNodeStatus(cluster, { policy: 'nightly', node: 'a' });
}

const done = settled(build.tried(1), 'Succeeded');

describe('the last run on a node', () => {
  it('has every image with the decision of the run and its result', async () => {
    const kept = imageLine({ id: 'kept', reason: 'InUse', message: 'used by x' });
    const gone = imageLine({
      id: 'gone',
      names: ['docker.io/library/gone:1'],
      decision: 'remove',
      outcome: 'removed',
      sizeBytes: 9,
    });
    const status = await read(done, logOf(['not JSON', kept, gone, reportLine(2)]));
    expect(status).toMatchObject({
      policy: 'nightly',
      node: 'a',
      run: 'nightly-1',
      result: 'Succeeded',
      plan: {
        run: 'nightly-1',
        time: build.start.toISOString(),
        filesystem: { capacityBytes: 1_000, usedBytes: 840, usedPercent: 84, afterBytes: 540, afterPercent: 54 },
        images: [
          { id: 'gone', decision: 'remove', outcome: 'removed', message: '', verdicts: [] },
          { id: 'kept', decision: 'keep', reason: 'InUse', message: 'used by x' },
        ],
        totals: { images: 2, sizeBytes: 10, removals: 1 },
      },
    });
    const text = formatNodeStatus(status, view, 'nodesweep');
    expect(text).toMatch(
      /^Node: +a\nRun: +nightly-1, started 2h ago\nResult: +Succeeded\n\nIMAGE .*\n.*gone:1 .*removed\n/,
    );
    expect(text).toContain('1 were planned for removal (1 removed)');
  });

  it.each<[why: string, log: CleanerLog | undefined]>([
    ['there is no log any more', undefined],
    ['the log lacks its end', logOf([imageLine()])],
    ['the log lacks its beginning', logOf([imageLine(), reportLine(2)])],
    ['the run had failed before it looked at any image', logOf([reportLine(0)])],
    ['the log is of another run', logOf([imageLine(), reportLine(1)], 'nightly-0')],
  ])('has no images if %s, and says how to get a plan', async (_why, log) => {
    const status = await read(done, log);
    expect(status.plan).toBeUndefined();
    for (const program of ['nodesweep', 'kubectl nodesweep'] as const)
      expect(formatNodeStatus(status, view, program)).toContain(
        `what a run would do now: ${program} plan nightly --node a`,
      );
  });

  it('has the reason of a failure, also while the run tries again', async () => {
    const cause = { reason: 'NotStarted', message: 'no such socket' };
    expect(await read(settled(build.tried(4), 'Failed', cause))).toMatchObject({ result: 'Failed', ...cause });
    const active = await read(backingOff(waiting, cause, 0));
    expect(active).toMatchObject({ result: 'Active', ...cause });
    expect(formatNodeStatus(active, view, 'nodesweep')).toMatch(
      /Result: +Active, NotStarted: no such socket\n\nThe run has not ended/,
    );
  });

  it('does not exist for a policy or a node without a record', async () => {
    const records = { policies: [build.buildPolicyObject()], statuses: new Map(), runs: [], unreadable: [] };
    const cluster = { readRecords: async () => records, readLastLog: async () => undefined };
    await expect(readNodeStatus(cluster, { policy: 'x', node: 'a' })).rejects.toThrow(/^there is no policy x/);
    await expect(readNodeStatus(cluster, { policy: 'nightly', node: 'a' })).rejects.toThrow(NodeStatusError);
  });
});
