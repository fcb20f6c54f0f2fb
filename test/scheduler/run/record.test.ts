import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tallyOf } from '../../../scheduler/cleanup/tally.ts';
import { runKinds } from '../../../scheduler/kinds.ts';
import { diskOf } from '../../../scheduler/run/disk-measure.ts';
import { backingOff, type NodeProgress, settled } from '../../../scheduler/run/progress.ts';
import { decodeRun, encodeRun, RunRecordError } from '../../../scheduler/run/record.ts';
import { summarize } from '../../../scheduler/run/summary.ts';
import { buildReport, buildRun, secondsLater, start, tried } from '../../helpers/builders.ts';

const tally = {
  planned: 0,
  removed: 12,
  failed: 0,
  skipped: 0,
  unknown: 0,
  freedBytes: 12_345_678_901,
  nominalBytes: 12_345_678_901,
};
const sizeOf = (data: Record<string, string>) =>
  Object.values(data).reduce((sum, text) => sum + Buffer.byteLength(text), 0);

it('a record is read back as it was written', () => {
  const nodes = new Map<string, NodeProgress>([
    ['a', settled(tried(1), 'Succeeded', { tally })],
    ['b', backingOff(tried(2), { reason: 'Evicted', message: 'low on memory: \n "x"' }, 5)],
  ]);
  const run = buildRun(
    { images: { minAge: '1h' } },
    { nodes, phase: 'Failed', reason: 'NodesFailed', finishedAt: secondsLater(9) },
  );
  expect(decodeRun(encodeRun(run), runKinds)).toEqual(run);
});

describe('the figures of image sets in a record', () => {
  const sets = { 'cve-critical': { removed: 3, kept: 0 }, frozen: { removed: 0, kept: 12 } };
  const totalsOf = (nodes: Map<string, NodeProgress>) => encodeRun(buildRun({}, { nodes }))['run.yaml'];

  it('are read back, and added up by set (S7)', () => {
    const nodes = new Map<string, NodeProgress>([
      ['a', settled(tried(1), 'Succeeded', { tally: { ...tally, sets } })],
      ['b', settled(tried(1), 'Succeeded', { tally: { ...tally, sets: { frozen: { removed: 0, kept: 1 } } } })],
      ['c', settled(tried(1), 'Succeeded', { tally })],
    ]);
    const run = buildRun({}, { nodes });
    expect(decodeRun(encodeRun(run), runKinds)).toEqual(run);
    expect(summarize(run).totals).toMatchObject({
      sets: { 'cve-critical': { removed: 3, kept: 0 }, frozen: { removed: 0, kept: 13 } },
    });
  });

  it('are absent without sets, so that the record is as an earlier version wrote it', () => {
    const nodes = new Map<string, NodeProgress>([['a', settled(tried(1), 'Succeeded', { tally })]]);
    expect(totalsOf(nodes)).not.toContain('sets');
    expect(encodeRun(buildRun({}, { nodes }))['nodes.json']).toBe(
      '{"a":{"attempts":1,"result":"Succeeded","tally":[0,12,0,0,0,12345678901,12345678901]}}',
    );
  });

  it('of 5,000 nodes with 48 sets each stay below the 1 MiB that the API server accepts', () => {
    const figures = (index: number) =>
      Array.from({ length: 48 }, (_, set) => [
        `${'x'.repeat(200)}-${set}`,
        { removed: (index * 7 + set * 31) % 97, kept: (index * 13 + set) % 89 },
      ]);
    const nodes = new Map(
      Array.from({ length: 5_000 }, (_, index): [string, NodeProgress] => {
        const report = buildReport({ sets: Object.fromEntries(figures(index)) });
        return [`node-${index}`, settled(tried(1), 'Succeeded', { tally: tallyOf(report) })];
      }),
    );
    expect(sizeOf(encodeRun(buildRun({}, { nodes })))).toBeLessThan(1_000_000);
  });
});

describe('a record that this version can read only in part (C29, H38)', () => {
  const run = buildRun({ nodes: { matchLabels: { pool: 'ci' } }, ttlSecondsAfterFinished: 90 });
  const edit = (text: string | undefined, from: string, to: string) => {
    expect(text).toContain(from);
    return (text ?? '').replace(from, to);
  };

  it('has the problem of its policy, and keeps the other parts of the policy', () => {
    const data = encodeRun(run);
    const decoded = decodeRun({ ...data, 'run.yaml': edit(data['run.yaml'], 'pool: ci', '"a b": ci') }, runKinds);
    expect(decoded).toMatchObject({ name: run.name, phase: 'Running', spec: { ttlSecondsAfterFinished: 90 } });
    expect(decoded.damage).toMatch(/^this version does not take the policy .*: nodes\.matchLabels\.a b: the key must/);
    expect(encodeRun(decoded)['run.yaml']).toContain('a b: ci');
  });

  it('reports a schedule that is now refused', () => {
    const data = encodeRun(run);
    const decoded = decodeRun({ ...data, 'run.yaml': edit(data['run.yaml'], '0 * * * *', '0 * * * 9') }, runKinds);
    expect(decoded.damage).toMatch(/: schedule: day-of-week: 9/);
  });

  it('reports nodes with an unknown progress', () => {
    const data = { ...encodeRun(run), 'nodes.json': '{"a":{"attempts":null},"b":{"attempts":1}}' };
    const decoded = decodeRun(data, runKinds);
    expect(decoded.damage).toBe('the record does not tell how far node a is');
    expect([...decoded.nodes.keys()]).toEqual(['a', 'b']);
  });
});

describe('a record of a run over 15,000 nodes', () => {
  /** Numbers without a pattern that packing could use. */
  const scatter = (index: number, below: number) => (index * 2_654_435_761) % below;
  const manyNodes = (progressOf: (index: number) => NodeProgress) =>
    buildRun(
      {},
      {
        nodes: new Map(
          Array.from({ length: 15_000 }, (_, index) => [
            `ip-10-${index % 256}-${scatter(index, 65_537)}.eu-central-1.compute.internal`,
            progressOf(index),
          ]),
        ),
      },
    );
  const succeeded = (index: number): NodeProgress => {
    const freedBytes = scatter(index, 99_999_999_977);
    return settled(tried(1), 'Succeeded', { tally: { ...tally, removed: index % 97, freedBytes } });
  };
  const failed = (index: number): NodeProgress => {
    const message = Array.from({ length: 30 }, (_, word) => scatter(index * 31 + word, 999_999_937)).join(' ');
    return settled(tried(4), 'Failed', { reason: 'NotStarted', message: message.slice(0, 300) });
  };

  it.each([
    ['succeed', succeeded],
    ['fail', failed],
  ])('stays below the 1 MiB that the API server accepts when they %s', (_, progressOf) => {
    expect(sizeOf(encodeRun(manyNodes(progressOf)))).toBeLessThan(1_000_000);
  });

  it('is read back as it was written', () => {
    const run = manyNodes(succeeded);
    expect(decodeRun(encodeRun(run), runKinds)).toEqual(run);
  });

  it('is refused if it is damaged', () => {
    const data = encodeRun(manyNodes(succeeded));
    const half = (data['nodes.json.gz'] ?? '').slice(0, 10_000);
    expect(() => decodeRun({ ...data, 'nodes.json.gz': half }, runKinds)).toThrow(RunRecordError);
  });
});

describe('the disks of nodes in a record', () => {
  const disk = {
    ...{ capacityBytes: 100e9, usedBeforeBytes: 91e9, usedAfterBytes: 84e9 },
    keptBytes: { InUse: 60e9 },
    kept: { InUse: { images: 12, bytes: 60e9 } },
  };
  const succeeded = settled(tried(1), 'Succeeded', { tally, disk });
  const run = buildRun({}, { nodes: new Map([['a', succeeded]]) });

  it('are read back as they were written, beside the facts that an earlier version knows (H72)', () => {
    const data = encodeRun(run);
    expect(decodeRun(data, runKinds)).toEqual(run);
    const { 'disks.json': _, ...earlier } = data;
    expect(decodeRun(earlier, runKinds)).toEqual(
      buildRun({}, { nodes: new Map([['a', settled(tried(1), 'Succeeded', { tally })]]) }),
    );
    const { 'disks.json': disks, ...known } = data;
    expect(disks).toContain('91000000000');
    expect(known).toEqual(
      encodeRun(buildRun({}, { nodes: new Map([['a', settled(tried(1), 'Succeeded', { tally })]]) })),
    );
  });

  it('are read back with any figures (H61)', () => {
    const figure = fc.nat({ max: 2 ** 50 });
    const reason = fc.constantFrom('InUse', 'TooYoung', 'Another');
    const arbitraryDisk = fc.record(
      {
        capacityBytes: figure,
        usedBeforeBytes: figure,
        usedAfterBytes: figure,
        keptBytes: fc.dictionary(reason, figure, { noNullPrototype: true }),
        kept: fc.dictionary(reason, fc.record({ images: figure, bytes: figure }), { noNullPrototype: true }),
      },
      { requiredKeys: ['capacityBytes', 'usedBeforeBytes', 'usedAfterBytes'], noNullPrototype: true },
    );
    fc.assert(
      fc.property(arbitraryDisk, (disk) => {
        const nodes = new Map([['a', settled(tried(1), 'Succeeded', { tally, disk })]]);
        expect(decodeRun(encodeRun(buildRun({}, { nodes })), runKinds).nodes).toEqual(nodes);
      }),
    );
  });

  it.each([
    ['are not JSON', '{'],
    ['are something else', '{"a": "full"}'],
    ['are of a node without a result', '{"b": [1, 1, 1]}'],
  ])('cost nothing else if they %s', (_title, text) => {
    const decoded = decodeRun({ ...encodeRun(run), 'disks.json': text }, runKinds);
    expect(decoded.damage).toBeUndefined();
    expect(decoded.nodes.get('a')).toEqual(settled(tried(1), 'Succeeded', { tally }));
  });

  it('are those of the fullest nodes, if the run has very many', () => {
    const nodes = Array.from({ length: 6_000 }, (_, index): [string, NodeProgress] => [
      `node-${index}`,
      settled(tried(1), 'Succeeded', { disk: { ...disk, usedAfterBytes: index * 10e6 } }),
    ]);
    const decoded = decodeRun(encodeRun(buildRun({}, { nodes: new Map(nodes) })), runKinds);
    const measured = [...decoded.nodes].flatMap(([name, progress]) => (diskOf(progress) ? [name] : []));
    expect(measured).toHaveLength(5_000);
    expect(measured[0]).toBe('node-1000');
  });

  it('are left out where the record would not fit into 1 MiB (H72)', () => {
    const message = 'x'.repeat(600);
    const many = Array.from({ length: 5_000 }, (_, index): [string, NodeProgress] => [
      `node-${(index * 2_654_435_761) % 1e9}`,
      settled(tried(1), 'Succeeded', { reason: 'TargetNotMet', message, disk }),
    ]);
    const large = buildRun({}, { nodes: new Map(many), message: 'y'.repeat(899_000) });
    const data = encodeRun(large);
    expect(Object.keys(data)).not.toContain('disks.json');
    expect(Object.keys(data)).not.toContain('disks.json.gz');
    expect(decodeRun(data, runKinds).nodes.size).toBe(5_000);
  });
});

it.each([
  ['is of another version', (text: string) => text.replace('version: 1', 'version: 2')],
  ['is cut off', (text: string) => text.slice(0, 40)],
])('a record that %s is refused, not misread', (_title, damage) => {
  const data = encodeRun(buildRun({}, { startedAt: start }));
  expect(() => decodeRun({ ...data, 'run.yaml': damage(data['run.yaml'] ?? '') }, runKinds)).toThrow(RunRecordError);
});
