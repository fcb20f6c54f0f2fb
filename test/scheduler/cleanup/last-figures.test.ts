import { expect, it } from 'vitest';
import { fullestNodes, lastFigures } from '../../../scheduler/cleanup/last-figures.ts';
import { prepull } from '../../../scheduler/prepull/kind.ts';
import { settled } from '../../../scheduler/run/progress.ts';
import type { Run } from '../../../scheduler/run/run.ts';
import { buildRun, secondsLater, tried } from '../../helpers/builders.ts';

const figures = { planned: 0, removed: 0, failed: 0, skipped: 0, unknown: 0, freedBytes: 0, nominalBytes: 0 };
const disk = { capacityBytes: 100, usedBeforeBytes: 100, usedAfterBytes: 50 };
const measured = (afterBytes: number, capacityBytes = 100) =>
  settled(tried(1), 'Succeeded', {
    tally: figures,
    disk: { capacityBytes, usedBeforeBytes: 100, usedAfterBytes: afterBytes },
  });

function ended(at: number, nodes: Run['nodes'], run: Partial<Run> = {}): Run {
  const times = { startedAt: secondsLater(at), finishedAt: secondsLater(at + 1) };
  return buildRun({}, { phase: 'Succeeded', name: `nightly-${at}`, ...times, nodes, ...run });
}

it('the fullest nodes come first by their share, each with its newest figures, of any policy (H61)', () => {
  const runs = [
    ended(
      0,
      new Map([
        ['a', measured(90)],
        ['b', measured(50)],
      ]),
    ),
    ended(
      5,
      new Map([
        ['a', measured(20)],
        ['c', measured(90, 1_000)],
      ]),
      { policy: 'disk' },
    ),
  ];
  const nodes = new Set(['a', 'b', 'c']);
  const shown = fullestNodes(runs, nodes, 2).map(({ policy, node, usedAfterBytes }) => [policy, node, usedAfterBytes]);
  expect(shown).toEqual([
    ['nightly', 'b', 50],
    ['disk', 'a', 20],
  ]);
});

it('a node that left the cluster, one without a measurement and an active run are not shown (H61)', () => {
  const unmeasured = settled(tried(1), 'Succeeded', { tally: figures });
  const runs = [
    ended(
      0,
      new Map([
        ['gone', measured(99)],
        ['blind', unmeasured],
        ['failed', settled(tried(1), 'Failed')],
      ]),
    ),
    ended(1, new Map([['active', measured(99)]]), { phase: 'Running', finishedAt: undefined }),
    ended(2, new Map([['pulled', settled(tried(1), 'Succeeded', { tally: { images: new Map() } })]]), {
      kind: prepull,
    }),
  ];
  expect(fullestNodes(runs, new Set(['blind', 'failed', 'active', 'pulled']), 5)).toEqual([]);
});

it('the newest result of each node counts for the kept images and for the target (H61)', () => {
  const result = (kept: number, freedBytes: number, reason?: string) =>
    settled(tried(1), 'Succeeded', {
      reason,
      tally: { ...figures, freedBytes },
      disk: { ...disk, kept: { InUse: { images: kept, bytes: kept * 10 } } },
    });
  const runs = [
    ended(
      0,
      new Map([
        ['a', result(100, 0, 'TargetNotMet')],
        ['b', result(2, 0, 'TargetNotMet')],
      ]),
    ),
    ended(
      5,
      new Map([
        ['a', result(1, 7, 'TargetNotMet')],
        ['c', result(4, 0)],
      ]),
    ),
  ];
  const { kept, aboveTarget } = lastFigures(runs, new Set(['a', 'b', 'c']));
  expect([...kept]).toEqual([['InUse', { images: 7, bytes: 70 }]]);
  expect(aboveTarget).toEqual({ freed: 1, notFreed: 1 });
});
