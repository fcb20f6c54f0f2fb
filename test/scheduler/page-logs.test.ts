import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PageLogs } from '../../scheduler/page-logs.ts';
import { buildPod } from '../helpers/builders.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const podNamed = (name: string) => buildPod('a', { name, run: 'nightly-1', phase: 'Succeeded', exitCode: 0 });

it('a log is read once, also by several people at the same time, because the cleaner has ended', async () => {
  const read = vi.fn(async (pod: string) => `log of ${pod}`);
  const logs = new PageLogs(read);
  const found = await Promise.all([logs.read(podNamed('x')), logs.read(podNamed('x'))]);
  await vi.advanceTimersByTimeAsync(3_600_000);
  found.push(await logs.read(podNamed('x')));
  expect(found).toEqual(Array(3).fill({ pod: 'x', run: 'nightly-1', text: 'log of x' }));
  expect(read).toHaveBeenCalledTimes(1);
});

it('a log that can not be read is read again after a pause', async () => {
  const read = vi.fn<(pod: string) => Promise<string>>().mockRejectedValueOnce(new Error('403'));
  read.mockResolvedValue('text');
  const logs = new PageLogs(read);
  expect(await logs.read(podNamed('x'))).toMatchObject({ text: undefined, problem: '403' });
  expect(await logs.read(podNamed('x'))).toMatchObject({ text: undefined, problem: '403' });
  expect(read).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await logs.read(podNamed('x'))).toMatchObject({ text: 'text' });
});

it('an API server that does not answer holds the page up for some seconds at most', async () => {
  const logs = new PageLogs(() => new Promise(() => {}));
  const reading = logs.read(podNamed('x'));
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await reading).toMatchObject({ text: undefined, problem: 'no answer within 5 s' });
});

it('only the last few logs are kept, because each may be long', async () => {
  const read = vi.fn(async (pod: string) => pod);
  const logs = new PageLogs(read);
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'f', 'a']) await logs.read(podNamed(name));
  expect(read.mock.calls.map(([pod]) => pod)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'a']);
});
