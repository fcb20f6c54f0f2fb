import pMap from 'p-map';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { KubernetesTransport } from '../../../../scheduler/kubernetes/api/transport.ts';
import { LoopbackApi } from '../../../helpers/loopback-api.ts';

const path = '/api/v1/nodes/a';
const concurrency = 20;
let server: LoopbackApi;
let transport: KubernetesTransport;

beforeEach(async () => {
  server = new LoopbackApi();
  await server.start();
  server.put('/api/v1/nodes', 'a');
  transport = new KubernetesTransport(server.config);
});
afterEach(async () => {
  await transport.close();
  await server.stop();
});

const get = async () => {
  const { statusCode, body } = await transport.send({ method: 'GET', path, query: {}, silenceMs: 5_000 });
  await body.dump();
  return statusCode;
};

it('a request that is cut off ends only its own connection (H32)', async () => {
  let count = 0;
  server.fault = () => (count++ % 50 === 49 ? 'cut' : undefined);
  const failures: unknown[] = [];
  await pMap(Array.from({ length: 1_000 }), () => get().catch((error) => failures.push(error)), { concurrency });
  expect(failures).toHaveLength(20);
  expect(server.connections).toBeLessThanOrEqual(failures.length + 2 * concurrency);
});

it('credentials are read again after an answer that they are wrong, and the connections stay open', async () => {
  let count = 0;
  server.fault = () => (count++ % 2 === 0 ? { code: 401 } : undefined);
  for (let index = 0; index < 10; index += 1) expect([await get(), await get()]).toEqual([401, 200]);
  expect(server.connections).toBeLessThanOrEqual(2);
});

it('a new authority, or a new own certificate, is used for new connections', async () => {
  const { config } = server;
  const changing = new KubernetesTransport(config);
  const ask = async () => {
    const { body } = await changing.send({ method: 'GET', path, query: {}, silenceMs: 5_000 });
    await body.dump();
  };
  for (let index = 0; index < 5; index += 1) await ask();
  const before = server.connections;
  config.clusters = config.clusters.map((cluster) => ({ ...cluster, caData: btoa('another authority') }));
  server.fault = () => ({ code: 401 });
  for (let index = 0; index < 5; index += 1) await ask();
  expect(server.connections).toBeGreaterThan(before);
  expect(server.connections).toBeLessThanOrEqual(before + 2);
  await changing.close();
});

it('connections come back by themselves after the API server was away', async () => {
  await get();
  await server.stop();
  await expect(get()).rejects.toThrow();
  await server.start();
  expect(await get()).toBe(200);
});
