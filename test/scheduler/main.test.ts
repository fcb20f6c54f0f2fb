import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { freePort } from '../helpers/free-port.ts';
import { SchedulerProcess } from '../helpers/scheduler-process.ts';

let scheduler: SchedulerProcess;

beforeEach(async () => {
  scheduler = await SchedulerProcess.prepare();
});
afterEach(() => scheduler.remove());

const untilAnswer = (path: '/healthz' | '/readyz', code: number) =>
  vi.waitFor(async () => expect(await scheduler.ask(path)).toBe(code), { timeout: 20_000, interval: 100 });

describe('a scheduler that begins', () => {
  it.each([
    ['is away', async () => scheduler.api.stop()],
    [
      'wants to be asked in an hour',
      async () => {
        scheduler.api.fault = () => ({ code: 503, retryAfter: 3_600 });
      },
    ],
  ])('while the API server %s is alive, not ready, and can be stopped (H33)', async (_title, trouble) => {
    await trouble();
    scheduler.start();
    await untilAnswer('/healthz', 200);
    expect(await scheduler.ask('/readyz')).toBe(503);
    expect((await scheduler.stop()).exitCode).toBe(0);
  });

  it('becomes ready by itself when the API server answers (H33)', async () => {
    await scheduler.api.stop();
    scheduler.start();
    await untilAnswer('/healthz', 200);
    await scheduler.api.start();
    await untilAnswer('/readyz', 200);
    expect((await scheduler.stop()).exitCode).toBe(0);
  });

  it('ends with an error that names the setting, if the certificates of registries can not be read (S12)', async () => {
    scheduler.start({ NODESWEEP_REGISTRY_CHECK: 'true', NODESWEEP_REGISTRY_CA: '/absent/ca.pem' });
    const { exitCode, log } = await scheduler.end();
    expect(exitCode).toBe(2);
    expect(log).toMatch(/NODESWEEP_REGISTRY_CA \(--registry-ca <path>\): can't be read: ENOENT/);
  });

  it('ends with an error if the API server does not let it read its own image', async () => {
    scheduler.api.fault = ({ path }) => (path.includes('/pods/') ? { code: 403, reason: 'Forbidden' } : undefined);
    scheduler.start();
    const { exitCode, log } = await scheduler.end();
    expect(exitCode).toBe(2);
    expect(log).toMatch(/the image of the cleaner pods is unknown: set NODESWEEP_IMAGE .*403/);
  });
});

describe('the status page of a scheduler', () => {
  it('is served on loopback, with its leader and its view of the cluster (H71)', async () => {
    const port = await freePort();
    scheduler.start({ NODESWEEP_PAGE_PORT: String(port) });
    const read = async () => (await fetch(`http://127.0.0.1:${port}/`)).text();
    await vi.waitFor(async () => expect(await read()).toContain('up to date</span>'), {
      timeout: 60_000,
      interval: 200,
    });
    await vi.waitFor(async () => expect(await read()).toContain('this scheduler'), { timeout: 60_000, interval: 200 });
    expect((await scheduler.stop()).exitCode).toBe(0);
  });

  it('is not served outside of a cluster unless it is asked for (H71)', async () => {
    scheduler.start();
    await untilAnswer('/readyz', 200);
    expect((await scheduler.stop()).log).not.toContain('status page');
  });

  it('whose port is taken is reported, and the scheduler works without it', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    scheduler.start({ NODESWEEP_PAGE_PORT: String(port) });
    await untilAnswer('/readyz', 200);
    const { exitCode, log } = await scheduler.stop();
    server.close();
    expect(exitCode).toBe(0);
    expect(log).toMatch(/the status page is not served: .*EADDRINUSE.*; give it another port/);
  });
});
