import { describe, expect, it } from 'vitest';
import { plainScreen } from '../../../cli/output/layout/screen.ts';
import { formatDetails } from '../../../cli/output/status-table.ts';
import type { ReferenceOutcome } from '../../../contract/reference-outcomes.ts';
import { runKinds } from '../../../scheduler/kinds.ts';
import { describePolicies } from '../../../scheduler/overview/overview.ts';
import { prepull } from '../../../scheduler/prepull/kind.ts';
import { countImages, imageOverviews, removalOverviews } from '../../../scheduler/prepull/overview.ts';
import { judgePresence } from '../../../scheduler/prepull/presence.ts';
import type { ImageState } from '../../../scheduler/prepull/states/image-state.ts';
import type { NodeProgress } from '../../../scheduler/run/progress.ts';
import { settled, started, waiting } from '../../../scheduler/run/progress.ts';
import type { Run } from '../../../scheduler/run/run.ts';
import { buildPolicyObject, buildRun, secondsLater, start, tried } from '../../helpers/builders.ts';
import { buildPrepull } from '../../helpers/prepull.ts';
import { digestOf } from '../../helpers/pullers.ts';

const lists = [
  { name: 'base', images: ['docker.io/acme/api:1', 'docker.io/acme/web:1'] },
  { name: 'jobs', images: ['docker.io/acme/web:1'] },
];
const spec = buildPrepull(lists);
const present = (index: number): ImageState => ({ state: 'Present', digest: digestOf(index) });
const denied: ImageState = { state: 'Failed', cause: { reason: 'Unauthorized', message: 'pull access denied' } };
const unknown: ImageState = { state: 'Unknown' };
const stale = (index: number): ImageState => ({
  state: 'Stale',
  digest: digestOf(index),
  cause: { reason: 'RegistryUnavailable', message: 'no route to host' },
});
const resultOf = (api: ImageState, web: ImageState): NodeProgress => {
  const images = new Map([api, web].entries());
  const isDone = [api, web].every(({ state }) => state === 'Present');
  return settled(tried(1), isDone ? 'Succeeded' : 'Failed', { tally: { images } });
};
const buildPulls = (nodes: Record<string, NodeProgress>, run: Partial<Run> = {}): Run => ({
  ...buildRun(),
  kind: prepull,
  spec,
  phase: 'Failed',
  reason: 'NodesFailed',
  finishedAt: secondsLater(60),
  nodes: new Map(Object.entries(nodes)),
  ...run,
});

/** A cluster with the policy, and one run on record. */
const clusterWith = (value: Run) => ({
  policies: [buildPolicyObject({}, { data: { 'prepull.yaml': JSON.stringify({ schedule: '0 * * * *', lists }) } })],
  statuses: new Map(),
  runs: [{ value, resourceVersion: '1' }],
});
/** The cells of each line of `nodesweep status` of the policy. */
const tableOf = (run: Run) => {
  const [overview] = describePolicies(clusterWith(run), runKinds);
  const text =
    overview === undefined ? '' : formatDetails(overview, { now: start, screen: plainScreen, isWide: false });
  return text.split('\n').map((line) => line.split(/\s{2,}/));
};

describe('the images of a policy', () => {
  it('have the counts of nodes, the digests, and each failure once with its words and first nodes (P5)', () => {
    const failing = Object.fromEntries(
      ['f', 'e', 'd', 'c', 'b', 'g'].map((node) => [node, resultOf(present(1), denied)]),
    );
    const run = buildPulls({ a: resultOf(present(1), present(2)), ...failing, z: resultOf(unknown, present(3)) });
    expect(imageOverviews(spec, [run])).toEqual([
      {
        image: 'docker.io/acme/api:1',
        lists: ['base'],
        nodes: { desired: 8, present: 7, pulling: 0, stale: 0, failed: 0, unknown: 1 },
        digests: [digestOf(1)],
        failures: [],
      },
      {
        image: 'docker.io/acme/web:1',
        lists: ['base', 'jobs'],
        nodes: { desired: 8, present: 2, pulling: 0, stale: 0, failed: 6, unknown: 0 },
        digests: [digestOf(2), digestOf(3)],
        failures: [
          {
            state: 'Failed',
            reason: 'Unauthorized',
            message: 'pull access denied',
            count: 6,
            nodes: ['b', 'c', 'd', 'e', 'f'],
          },
        ],
      },
    ]);
    expect(countImages([run])).toEqual({
      Present: 9,
      Pulling: 0,
      Stale: 0,
      Failed: 6,
      Unknown: 1,
      Removed: 0,
      InUse: 0,
    });
  });

  it('tell those that are there but could not be pulled again from missing ones, with their digests (P8)', () => {
    const run = buildPulls({
      a: resultOf(present(1), stale(2)),
      b: resultOf(present(1), stale(2)),
      c: resultOf(present(1), denied),
    });
    expect(imageOverviews(spec, [run])[1]).toMatchObject({
      nodes: { desired: 3, present: 0, stale: 2, failed: 1 },
      digests: [digestOf(2)],
      failures: [
        { state: 'Failed', reason: 'Unauthorized', count: 1, nodes: ['c'] },
        { state: 'Stale', reason: 'RegistryUnavailable', message: 'no route to host', count: 2, nodes: ['a', 'b'] },
      ],
    });
    expect(countImages([run])).toMatchObject({ Present: 3, Stale: 2, Failed: 1 });
    expect(describePolicies(clusterWith(run), runKinds)[0]?.runs[0]?.images).toMatchObject({
      present: 3,
      stale: 2,
      failed: 1,
    });
    expect(tableOf(run)).toEqual(
      expect.arrayContaining([
        ['docker.io/acme/web:1', 'base, jobs', '0/3', '0', '2', '1', digestOf(2)],
        ['docker.io/acme/web:1: 2 nodes RegistryUnavailable: no route to host (a, b)'],
      ]),
    );
    expect(tableOf(run).join('\n')).toContain('3/6 present, 2 stale');
  });

  it('that were to be removed have the numbers of nodes by outcome (P8, P12)', () => {
    const removing = (outcome: ReferenceOutcome) => {
      const removals = new Map([['docker.io/acme/old:1', outcome]]);
      return settled(tried(1), 'Succeeded', { tally: { images: new Map([[0, present(1)]]), removals } });
    };
    const run = buildPulls({
      a: removing({ kind: 'Removed' }),
      b: removing({ kind: 'Absent' }),
      c: removing({ kind: 'InUse' }),
      d: removing({ kind: 'Kept', reason: 'Pinned' }),
      e: removing({ kind: 'Failed' }),
      f: removing({ kind: 'Unknown' }),
      g: resultOf(present(1), present(2)),
    });
    expect(removalOverviews([run])).toEqual([
      { image: 'docker.io/acme/old:1', removed: 2, inUse: 1, kept: 2, failed: 1, nodes: ['c', 'd', 'e', 'f'] },
    ]);
    expect(countImages([run])).toMatchObject({ Present: 8, Removed: 1, InUse: 1 });
    expect(tableOf(run)).toEqual(
      expect.arrayContaining([
        ['TO REMOVE', 'REMOVED', 'IN USE', 'KEPT', 'FAILED', 'LEFT ON'],
        ['docker.io/acme/old:1', '2', '1', '2', '1', 'c, d, e, f'],
      ]),
    );
  });

  it('are those of the newest run on each node, and of an active run as far as it knows', () => {
    const first = buildPulls({ a: resultOf(denied, denied), b: resultOf(denied, denied), c: resultOf(denied, denied) });
    const second = buildPulls(
      { b: resultOf(present(1), present(2)) },
      { name: 'nightly-2', startedAt: secondsLater(100), trigger: { type: 'Nodes', after: start } },
    );
    const memory = {
      states: new Map([
        [0, present(1)],
        [1, { state: 'Pulling' }],
      ]),
      over: [],
    };
    const active = buildPulls(
      { c: { ...started(waiting, 0), memory } },
      { name: 'nightly-3', phase: 'Running', reason: undefined, finishedAt: undefined, startedAt: secondsLater(200) },
    );
    expect(imageOverviews(spec, [active, second, first]).map(({ nodes }) => nodes)).toEqual([
      { desired: 3, present: 2, pulling: 0, stale: 0, failed: 1, unknown: 0 },
      { desired: 3, present: 1, pulling: 1, stale: 0, failed: 1, unknown: 0 },
    ]);
  });

  it('do not count on a node that is gone, or that no list selects any more, after the next refresh (P7)', () => {
    const well = resultOf(present(1), present(2));
    const removed = settled(tried(1), 'Skipped', { reason: 'NodeRemoved' });
    const notReady = settled(tried(0), 'Skipped', { reason: 'NotReady' });
    const first = buildPulls({ a: well, gone: resultOf(present(1), denied), left: well, lost: well });
    const refresh = { name: 'nightly-2', startedAt: secondsLater(100) };
    const second = buildPulls({ a: well, left: removed, lost: notReady }, { ...refresh, phase: 'Succeeded' });
    const isMeantFor = [first, second, buildPulls({ b: well }, { ...refresh, name: 'nightly-3' })];
    expect(imageOverviews(spec, isMeantFor).map(({ nodes }) => nodes.desired)).toEqual([3, 3]);
    expect(judgePresence(spec, isMeantFor)).toMatchObject({ status: 'True' });
  });

  it('decide the condition Present (P7)', () => {
    expect(judgePresence(spec, [])).toBeUndefined();
    expect(judgePresence(spec, [buildPulls({ a: resultOf(present(1), present(2)) })])).toEqual({
      status: 'True',
      reason: 'AllPresent',
      message: '2 of 2 images are present, counted on each node',
    });
    expect(judgePresence(spec, [buildPulls({ a: resultOf(present(1), denied) })])).toEqual({
      status: 'False',
      reason: 'ImagesMissing',
      message:
        '1 of 2 images are present, counted on each node; docker.io/acme/web:1: Unauthorized on a: pull access denied',
    });
    expect(judgePresence(spec, [buildPulls({ a: resultOf(present(1), stale(2)) })])).toEqual({
      status: 'False',
      reason: 'ImagesStale',
      message:
        '1 of 2 images are present, counted on each node; 1 more are there, but could not be pulled again; docker.io/acme/web:1: RegistryUnavailable on a: no route to host',
    });
  });

  it('are a table of nodesweep status (P5)', () => {
    const lines = tableOf(buildPulls({ a: resultOf(present(1), present(2)), b: resultOf(present(1), denied) }));
    expect(lines).toEqual(
      expect.arrayContaining([
        ['IMAGE', 'LISTS', 'PRESENT', 'PULLING', 'STALE', 'FAILED', 'DIGEST'],
        ['docker.io/acme/api:1', 'base', '2/2', '0', '0', '0', digestOf(1)],
        ['docker.io/acme/web:1', 'base, jobs', '1/2', '0', '0', '1', digestOf(2)],
        ['Images that could not be pulled:'],
        ['docker.io/acme/web:1: 1 node Unauthorized: pull access denied (b)'],
      ]),
    );
    expect(lines.join('\n')).toContain('3/4 present');
  });
});
