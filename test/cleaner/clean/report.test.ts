import { stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { maxReportBytes } from '../../../contract/report.ts';
import { runClean } from '../../helpers/clean.ts';
import { junk, old, prepare } from '../../helpers/node-to-clean.ts';

describe('the report', () => {
  it('fits into a termination message, however much goes wrong', async () => {
    const stuck = junk.map((image) => ({ ...image, removal: { kind: 'Fails', message: 'no '.repeat(99) } as const }));
    const bench = await prepare({ images: stuck });
    const run = await runClean(bench);

    expect(run.exitCode).toBe(1);
    expect((await stat(bench.reportFile)).size).toBeLessThanOrEqual(maxReportBytes);
    expect(run.report.images.failed).toBe(80);
    expect(run.report.errors.length).toBeGreaterThan(5);
    expect(run.report.omitted).toBe(80);
  });

  it('has no image on an empty node', async () => {
    const bench = await prepare({});
    const run = await runClean(bench);
    expect(run).toMatchObject({ exitCode: 0, report: { outcome: 'Succeeded', images: { total: 0 } } });
  });
});

it('the cleaner warns of a LOG_LEVEL that does not exist, and logs as with info', async () => {
  const bench = await prepare({ images: [old] });
  const run = await runClean(bench, [], { LOG_LEVEL: 'loud' });
  expect(run.events[0]).toMatchObject({ level: 'warn', msg: expect.stringContaining('LOG_LEVEL loud is none of') });
  expect(run.images).toHaveLength(1);
});
