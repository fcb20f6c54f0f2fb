import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../cleaner/history/clock.ts';
import type { History, ImageRecord } from '../../cleaner/history/history.ts';
import { type HistoryStore, openHistory, type StoredHistory } from '../../cleaner/history/run-history.ts';
import { HistoryError } from '../../cleaner/history/store.ts';
import { buildReport } from '../../cleaner/report/build.ts';
import type { ImageEvent } from '../../cleaner/report/events.ts';
import { openReport } from '../../cleaner/report/file.ts';
import { openLogSink } from '../../cleaner/report/log-sink.ts';
import { createUsageReader } from '../../cleaner/runtime/inventory.ts';
import { sweep } from '../../cleaner/sweep.ts';
import { buildHistory, buildImage, buildJob, buildRuntime, dayMs, now } from '../helpers/inventory.ts';

/** One call of the system to write: all, so many bytes, or an error. */
type Write = number | 'All' | 'EAGAIN' | 'ENOSPC' | 'EPIPE';
/** The history at the start, and the errors of its writes: before the plan, before the removal, and after it. */
type Store = {
  readonly found: 'Found' | 'Odd' | 'Damaged' | 'Missing';
  readonly failures: readonly ('None' | 'EROFS' | 'ENOSPC')[];
};
type Sinks = { readonly failingEvents: readonly boolean[]; readonly writes: readonly Write[]; readonly store: Store };

const write: fc.Arbitrary<Write> = fc.oneof(
  { arbitrary: fc.constant('All' as const), weight: 4 },
  { arbitrary: fc.integer({ min: 1, max: 300 }), weight: 2 },
  { arbitrary: fc.constantFrom('ENOSPC' as const, 'EPIPE' as const), weight: 2 },
);
const sinks: fc.Arbitrary<Sinks> = fc.record({
  failingEvents: fc.array(fc.boolean(), { maxLength: 12 }),
  writes: fc.array(write, { maxLength: 30 }),
  store: fc.record({
    found: fc.constantFrom('Found', 'Odd', 'Damaged', 'Missing'),
    failures: fc.array(fc.constantFrom('None', 'EROFS', 'ENOSPC'), { maxLength: 3 }),
  }),
});
const healthy: Sinks = { failingEvents: [], writes: [], store: { found: 'Found', failures: [] } };
const images = Array.from({ length: 10 }, (_, index) => buildImage(`registry.test/junk:${index}`));

/** Makes a run whose log and history fail as drawn. Times of every second image can't be told: a clock was set wrong. */
async function run({ failingEvents, writes, store }: Sinks, rules: { minAge: string; maxUnusedAge?: string }) {
  const runtime = buildRuntime({ images });
  const output: Buffer[] = [];
  let [writeCount, eventCount, nowMs] = [0, 0, 0];
  const log = openLogSink(1, ((descriptor: number, bytes: Buffer) => {
    const drawn = descriptor === 1 ? (writes[writeCount++] ?? 'All') : 'All';
    if (typeof drawn === 'string' && drawn !== 'All') throw Object.assign(new Error(drawn), { code: drawn });
    const count = drawn === 'All' ? bytes.length : Math.min(drawn, bytes.length);
    if (descriptor === 1) output.push(Buffer.from(bytes.subarray(0, count)));
    return count;
  }) as never);
  const lines: string[] = [];
  const told: ImageEvent[] = [];
  const findings = await sweep(
    buildJob({ images: rules }),
    {
      runtime,
      readUsage: createUsageReader(runtime, undefined),
      node: {
        ownReferences: [],
        measureDisk: async () => ({ capacityBytes: 2_000, usedBytes: 1_000, availableBytes: 1_000 }),
        openHistory: (onRemark) => openHistory(openStore(store), onRemark),
        throttle: async () => false,
        monotonicMs: () => nowMs,
        sleep: async (ms) => {
          nowMs += ms;
        },
      },
      onImage: (event) => {
        if (failingEvents[eventCount++]) throw new Error('no sink for events');
        told.push(event);
        const line = `${JSON.stringify(event)}\n`;
        lines.push(line);
        log.write(line);
      },
    },
    new AbortController().signal,
  );
  const report = buildReport(findings, 0);
  return { requests: runtime.requests, told, lines, output: Buffer.concat(output).toString(), log, report };
}

function openStore({ found, failures }: Store): HistoryStore {
  const at: Clock = { now, uptimeMs: 40 * dayMs, bootId: 'boot' };
  const records = images.map(({ id }, index): [string, ImageRecord] => [
    id,
    { firstSeen: index % 2 === 0 ? now - 30 * dayMs : -8e15, lastUsed: now - 20 * dayMs },
  ]);
  const history: History = { ...buildHistory(Object.fromEntries(records)), startedAt: now - 30 * dayMs };
  const initial: Record<Store['found'], StoredHistory> = {
    Found: { kind: 'Found', at, history },
    Odd: { kind: 'Found', at, history: { ...history, images: new Map() }, reason: '10 records cannot be right' },
    Damaged: { kind: 'Damaged', at, reason: 'it is damaged' },
    Missing: { kind: 'Missing', at },
  };
  let stored = initial[found];
  let changes = 0;
  return {
    readClock: async () => at,
    load: async () => stored,
    change: async (change) => {
      const next = change(stored);
      const code = failures[changes++] ?? 'None';
      if (code !== 'None') throw new HistoryError('not written', { cause: Object.assign(new Error(code), { code }) });
      stored = { kind: 'Found', at, history: next };
    },
  };
}

describe('if the log, the events or the history cannot be written', () => {
  it('the same images are removed, and the report and the log show what they can (H26)', async () => {
    await fc.assert(
      fc.asyncProperty(sinks, async (drawn) => {
        const expected = await run({ ...healthy, store: drawn.store }, { minAge: '0s' });
        const { requests, told, lines, output, log, report } = await run(drawn, { minAge: '0s' });
        expect(expected.told).toHaveLength(images.length);
        expect(requests.flat()).toHaveLength(images.length);
        expect(requests).toEqual(expected.requests);
        expect(report.images).toEqual(expected.report.images);
        expect(report.bytes).toEqual(expected.report.bytes);
        const failed = drawn.failingEvents.slice(0, expected.told.length);
        expect(told.map(({ id }) => id)).toEqual(
          expected.told.map(({ id }) => id).filter((_, index) => !failed[index]),
        );
        const reasons = report.errors.map(({ reason }) => reason);
        expect(reasons.filter((reason) => reason === 'LogNotWritten')).toHaveLength(failed.includes(true) ? 1 : 0);
        if (log.problem() === undefined) expect(output).toBe(lines.join(''));
        const whole = output.split('\n').filter((line) => lines.includes(`${line}\n`));
        if (log.problem() !== undefined) expect(whole.length).toBeLessThan(lines.length);
        // A line that was cut off spoils no other one.
        for (const line of output.split('\n')) expect(lines.some((all) => all.startsWith(line))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('a history that is damaged or cannot be written makes no image old, and the report shows it (H27)', async () => {
    await fc.assert(
      fc.asyncProperty(sinks, fc.constantFrom('10d', undefined), async (drawn, maxUnusedAge) => {
        const rules = { minAge: '1h', ...(maxUnusedAge && { maxUnusedAge }) };
        const { requests, report } = await run(drawn, rules);
        const { found, failures } = drawn.store;
        const [first = 'None'] = failures;
        const reasons = report.errors.map(({ reason }) => reason);
        if (found === 'Damaged' || found === 'Odd') expect(reasons).toContain('HistoryDamaged');
        if (first !== 'None') expect(reasons).toContain('HistoryNotWritten');
        const isUnknown =
          found === 'Damaged' || found === 'Odd' || first === 'EROFS' || (first !== 'None' && found === 'Missing');
        const isRecent = maxUnusedAge !== undefined && (found === 'Missing' || first !== 'None');
        expect(requests.flat()).toHaveLength(isUnknown || isRecent ? 0 : images.length);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a report that cannot be written', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'report-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it.each([
    ['because its disk is full', () => '/dev/full', false],
    ['because it is a directory', () => directory, true],
    ['because its directory is missing', () => join(directory, 'missing', 'report'), true],
  ])('%s, is reported and never thrown (H26)', async (_, path, isKnownBefore) => {
    const { report } = await run(healthy, { minAge: '0s' });
    const file = await openReport(path());
    expect(file.problem !== undefined).toBe(isKnownBefore);
    expect(await file.write(report)).toContain(`can't be written to ${path()}`);
  });
});
