import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { type Health, serveHealth } from '../../scheduler/health.ts';

async function serve(
  health: Partial<Health>,
): Promise<(path: string) => Promise<{ code: number; text: string; type: string | null }>> {
  const readMetrics = async () => ({ contentType: 'text/plain; version=0.0.4', text: 'up 1\n' });
  const server = await serveHealth(0, { isReady: () => true, readMetrics, ...health });
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return async (path) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { code: response.status, text: await response.text(), type: response.headers.get('content-type') };
  };
}

it('readyz shows if the process is ready now, and healthz only that its event loop runs (H33)', async () => {
  let isReady = false;
  const get = await serve({ isReady: () => isReady });
  expect([(await get('/healthz')).code, (await get('/readyz')).code]).toEqual([200, 503]);
  isReady = true;
  expect((await get('/readyz?verbose')).code).toBe(200);
});

it('metrics are served in the format of Prometheus', async () => {
  const get = await serve({});
  expect(await get('/metrics')).toEqual({ code: 200, text: 'up 1\n', type: 'text/plain; version=0.0.4' });
});

it('metrics that cannot be read affect nothing else', async () => {
  const get = await serve({ readMetrics: async () => Promise.reject(new Error('no')) });
  expect(await get('/metrics')).toMatchObject({ code: 500, text: "the metrics can't be read: Error: no\n" });
  expect((await get('/healthz')).code).toBe(200);
});

it('everything else is not found', async () => {
  const get = await serve({});
  expect((await get('/')).code).toBe(404);
});
