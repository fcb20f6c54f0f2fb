import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openCleanView } from '../../../cli/live/clean-view.ts';
import { patienceMs, tellWait } from '../../../cli/live/tell-wait.ts';
import { buildReport } from '../../helpers/builders.ts';

const image = (name: string, fields: object) =>
  JSON.stringify({ level: 'info', event: 'image', id: `sha256:${name}`, names: [name], sizeBytes: 2 ** 20, ...fields });
const kept = (name: string, reason: string) =>
  image(name, { decision: 'keep', reason, message: `words about ${name}` });
const removed = (name: string) => image(name, { decision: 'remove', outcome: 'removed' });
const reportOf = (fields: Parameters<typeof buildReport>[0]) =>
  JSON.stringify({ event: 'report', ...buildReport(fields) });

/** All that a person sees of these lines of the log. */
function show(lines: readonly string[], planned: number, columns?: number): readonly string[] {
  const written: string[] = [];
  const view = openCleanView(
    { columns, hasColors: false },
    (line) => written.push(line),
    () => {},
  );
  view.onPlan(planned);
  for (const line of lines) view.sink.write(`${line}\n`);
  return written;
}

describe('a person who cleans by hand sees', () => {
  const images = { total: 5, inUse: 2, removed: 1, failed: 1, skipped: 0, unknown: 0, kept: 3 };
  const failure = { image: 'b:1', reason: 'RemovalFailed', message: 'read-only filesystem' };

  it('each removal with its number, the images that stay by reason, the errors and the sum', () => {
    const stuck = image('b:1', {
      decision: 'remove',
      outcome: 'failed',
      reason: 'RemovalFailed',
      message: 'read-only',
    });
    const lines = [
      kept('web:1', 'InUse'),
      kept('web:2', 'InUse'),
      kept('new:1', 'TooYoung'),
      removed('a:1'),
      stuck,
      reportOf({ outcome: 'PartiallyFailed', images, errors: [failure] }),
    ];
    expect(show(lines, 2)).toEqual([
      '1/2 removed a:1 (1 MiB)',
      '2/2 not removed (failed): b:1 (1 MiB): RemovalFailed: read-only',
      'kept 2 InUse (2 MiB); for example web:1: words about web:1',
      'kept 1 TooYoung (1 MiB); for example new:1: words about new:1',
      'b:1: RemovalFailed: read-only filesystem',
      'PartiallyFailed: 1 of 5 images removed, 300 B freed; 1 failed, 3 kept',
      'disk usage: 84 % -> 54 %',
    ]);
  });

  it('the images that a dry run would remove', () => {
    const planned = image('a:1', { decision: 'remove', outcome: 'planned' });
    const report = reportOf({ outcome: 'DryRun', images: { ...images, removed: 0, failed: 0, kept: 4 } });
    expect(show([planned, report], 1)).toEqual([
      '1/1 would remove a:1 (1 MiB)',
      'dry run: 1 of 5 images would be removed (330 B); 4 kept',
      'disk usage: 84 %',
    ]);
  });

  it('a failure before the plan', () => {
    const empty = { total: 0, inUse: 0, removed: 0, failed: 0, skipped: 0, unknown: 0, kept: 0 };
    const errors = [{ reason: 'CrictlError', message: 'crictl was not found: install crictl' }];
    const filesystem = { capacityBytes: 0, usedBeforeBytes: 0, usedAfterBytes: 0 };
    const bytes = { freed: 0, nominal: 0 };
    const report = reportOf({ outcome: 'Failed', images: empty, errors, filesystem, bytes });
    expect(show([report], 0)).toEqual([
      'CrictlError: crictl was not found: install crictl',
      'Failed: 0 of 0 images removed, 0 B freed; 0 kept',
    ]);
  });

  it('a stop, and a report that could not be written', () => {
    const stop = JSON.stringify({ event: 'stopping', signal: 'SIGINT', msg: 'no further batch is started' });
    const problem = JSON.stringify({ event: 'error', reason: 'ReportNotWritten', msg: 'no such directory' });
    expect(show([stop, problem], 0)).toEqual([
      'stopping: no further batch is started',
      'ReportNotWritten: no such directory',
    ]);
  });

  it('nothing of lines for programs, and sentences that are broken between words', () => {
    expect(show(['crictl: no JSON', JSON.stringify({ event: 'batch', msg: 'x' })], 0)).toEqual([]);
    const [line = ''] = show([removed('registry.example.com/team/app:1')], 1, 40);
    expect(line).toBe('1/1 removed\n    registry.example.com/team/app:1 (1\n    MiB)');
  });
});

describe('a runtime that does not answer', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is named after three seconds', () => {
    const written: string[] = [];
    tellWait({ CONTAINER_RUNTIME_ENDPOINT: 'unix:///run/x.sock' }, (line) => written.push(line));
    vi.advanceTimersByTime(patienceMs - 1);
    expect(written).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(patienceMs).toBe(3_000);
    expect(written).toEqual([expect.stringMatching(/^still waiting for the runtime \(unix:\/\/\/run\/x\.sock\)/)]);
  });

  it('is not named if it answers before', () => {
    const written: string[] = [];
    const stopWaiting = tellWait({}, (line) => written.push(line));
    stopWaiting();
    vi.advanceTimersByTime(60_000);
    expect(written).toEqual([]);
  });
});
