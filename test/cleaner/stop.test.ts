import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { armDeadline, StopRequest, untilStopped } from '../../cleaner/stop.ts';

/** True if a run is asked to stop within so many milliseconds. */
async function isStoppedWithin(ms: number, deadlineSeconds: number, elapsedMs: number): Promise<boolean> {
  const controller = new AbortController();
  armDeadline(controller, deadlineSeconds, elapsedMs);
  await sleep(ms);
  return controller.signal.aborted;
}

describe('a run is asked to stop', () => {
  it.each([
    ['a tenth of the deadline before it', 1, 899, true],
    ['a minute before it if it is long', 3600, 3_540_000 - 1, true],
    ['immediately if the time is already over', 1, 5_000, true],
    ['no earlier', 3600, 3_480_000, false],
    ['never immediately, however long the deadline is', 2 ** 31 - 1, 0, false],
  ])('%s', async (_, deadlineSeconds, elapsedMs, isStopped) => {
    expect(await isStoppedWithin(50, deadlineSeconds, elapsedMs)).toBe(isStopped);
  });

  it('with the reason', async () => {
    const controller = new AbortController();
    armDeadline(controller, 1, 2_000);
    await expect(untilStopped(() => new Promise(() => {}), controller.signal)).rejects.toMatchObject({
      name: 'StopRequest',
      reason: 'DeadlineExceeded',
      message: 'activeDeadlineSeconds (1) is nearly over',
    });
  });
});

describe('untilStopped', () => {
  const request = new StopRequest('Interrupted', 'asked to stop');

  it('gives the result, or the error', async () => {
    const { signal } = new AbortController();
    await expect(untilStopped(async () => 'list', signal)).resolves.toBe('list');
    await expect(untilStopped(() => Promise.reject(new Error('unreadable')), signal)).rejects.toThrow('unreadable');
  });

  it('reads nothing any more after a request to stop', async () => {
    let isRead = false;
    const read = async () => {
      isRead = true;
    };
    await expect(untilStopped(read, AbortSignal.abort(request))).rejects.toBe(request);
    expect(isRead).toBe(false);
  });
});
