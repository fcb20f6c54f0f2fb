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

it('readyz tells whether the process is ready at that moment, and healthz nothing but that it turns (H33)', async () => {
  let isReady = false;
  const get = await serve({ isReady: () => isReady });
  expect([(await get('/healthz')).code, (await get('/readyz')).code]).toEqual([200, 503]);
  isReady = true;
  expect((await get('/readyz?verbose')).code).toBe(200);
});

it('metrics are served as Prometheus reads them', async () => {
  const get = await serve({});
  expect(await get('/metrics')).toEqual({ code: 200, text: 'up 1\n', type: 'text/plain; version=0.0.4' });
});

it('metrics that can not be read take nothing else down', async () => {
  const get = await serve({ readMetrics: async () => Promise.reject(new Error('no')) });
  expect(await get('/metrics')).toMatchObject({ code: 500, text: "the metrics can't be read: Error: no\n" });
  expect((await get('/healthz')).code).toBe(200);
});

it('everything else is not found', async () => {
  const get = await serve({});
  expect((await get('/')).code).toBe(404);
});
