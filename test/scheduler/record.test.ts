import { expect, it } from 'vitest';
import { decodeRun, encodeRun, RunRecordError } from '../../scheduler/record.ts';
import type { NodeProgress } from '../../scheduler/run.ts';
import { buildRun, secondsLater, start } from '../helpers/builders.ts';

const tally = {
  planned: 0,
  removed: 12,
  failed: 0,
  skipped: 0,
  unknown: 0,
  freedBytes: 12_345_678_901,
  nominalBytes: 12_345_678_901,
};
const manyNodes = (count: number, progress: NodeProgress) =>
  new Map(Array.from({ length: count }, (_, index) => [`ip-10-0-${index}.eu-central-1.compute.internal`, progress]));
const sizeOf = (data: Record<string, string>) =>
  Object.values(data).reduce((sum, text) => sum + Buffer.byteLength(text), 0);

it('a record is read back as it was written', () => {
  const nodes = new Map<string, NodeProgress>([
    ['a', { attempts: 1, result: 'Succeeded', tally }],
    ['b', { attempts: 2, reason: 'Evicted', message: 'low on memory: \n "x"', retryAt: 5 }],
  ]);
  const run = buildRun(
    { images: { minAge: '1h' } },
    { nodes, phase: 'Failed', reason: 'NodesFailed', finishedAt: secondsLater(9) },
  );
  expect(decodeRun(encodeRun(run))).toEqual(run);
});

it('a record stays below the 1 MiB that the API server takes, with 5,000 nodes that succeed or fail', () => {
  const failed: NodeProgress = { attempts: 4, result: 'Failed', reason: 'NotStarted', message: 'x'.repeat(300) };
  expect(
    sizeOf(encodeRun(buildRun({}, { nodes: manyNodes(5_000, { attempts: 1, result: 'Succeeded', tally }) }))),
  ).toBeLessThan(1_000_000);
  expect(sizeOf(encodeRun(buildRun({}, { nodes: manyNodes(5_000, failed) })))).toBeLessThan(1_000_000);
});

it.each([
  ['is of another version', (text: string) => text.replace('version: 1', 'version: 2')],
  ['is cut off', (text: string) => text.slice(0, 40)],
])('a record that %s is refused, not misread', (_title, damage) => {
  const data = encodeRun(buildRun({}, { startedAt: start }));
  expect(() => decodeRun({ ...data, 'run.yaml': damage(data['run.yaml'] ?? '') })).toThrow(RunRecordError);
});
