import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it, vi } from 'vitest';
import { Election } from '../../scheduler/election.ts';
import { KubernetesApi } from '../../scheduler/kubernetes/api/api.ts';
import { KubernetesTransport } from '../../scheduler/kubernetes/api/transport.ts';
import { KubernetesLeaseStore } from '../../scheduler/kubernetes/lease.ts';
import { LoopbackApi } from '../helpers/loopback-api.ts';

const path = '/apis/coordination.k8s.io/v1/namespaces/nodesweep/leases/nodesweep-scheduler';
const timing = { renewEveryMs: 40, lookEveryMs: 20, renewDeadlineMs: 800, durationSeconds: 1 };
const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function startServer(): Promise<LoopbackApi> {
  const server = new LoopbackApi();
  await server.start();
  stops.push(() => server.stop());
  return server;
}

function stand(server: LoopbackApi, identity: string) {
  const log = { info: () => {}, warn: vi.fn(), error: () => {} };
  const api = new KubernetesApi({ transport: new KubernetesTransport(server.config), requestsPerSecond: 1000 });
  const election = new Election(new KubernetesLeaseStore(api, 'nodesweep'), identity, log, timing);
  const onElected = vi.fn();
  election.start(onElected);
  stops.push(() => election.stop());
  return { election, onElected, log };
}

const holderOf = (server: LoopbackApi) =>
  (server.objects.get(path) as { spec?: { holderIdentity?: string } } | undefined)?.spec?.holderIdentity;
const untilLeading = ({ election }: ReturnType<typeof stand>) =>
  vi.waitFor(() => expect(election.isLeader).toBe(true), { timeout: 5_000, interval: 10 });

it('one of two replicas leads, and renews the lease in the format of the API (C10)', async () => {
  const server = await startServer();
  const first = stand(server, 'first');
  await untilLeading(first);
  const second = stand(server, 'second');
  await sleep(1_500);
  expect([first.election.isLeader, second.election.isLeader]).toEqual([true, false]);
  expect(first.onElected).toHaveBeenCalledTimes(1);
  expect(second.onElected).not.toHaveBeenCalled();
  expect(second.election.isCurrent).toBe(true);
  expect(server.objects.get(path)).toMatchObject({
    spec: {
      holderIdentity: 'first',
      leaseDurationSeconds: 1,
      renewTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
    },
  });
});

it('the other replica continues immediately when the lease is released (C10)', async () => {
  const server = await startServer();
  const first = stand(server, 'first');
  await untilLeading(first);
  const second = stand(server, 'second');
  await vi.waitFor(() => expect(second.election.isCurrent).toBe(true));
  const startedAt = performance.now();
  await first.election.stop();
  expect(first.election.isLeader).toBe(false);
  await untilLeading(second);
  expect(performance.now() - startedAt).toBeLessThan(900);
  expect(holderOf(server)).toBe('second');
});

it('the other replica continues when the lease has expired, and not before (C10)', async () => {
  const server = await startServer();
  const collection = path.slice(0, path.lastIndexOf('/'));
  // Its holder is gone for good.
  server.put(collection, 'nodesweep-scheduler', { spec: { holderIdentity: 'gone', leaseDurationSeconds: 1 } });
  const startedAt = performance.now();
  const second = stand(server, 'second');
  await untilLeading(second);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_000);
  expect(server.objects.get(path)).toMatchObject({ spec: { holderIdentity: 'second', leaseTransitions: 1 } });
});

it('a replica that cannot reach the API server stops leading, logs it, and leads again when the API server is back', async () => {
  const server = await startServer();
  const only = stand(server, 'only');
  await untilLeading(only);
  await server.stop();
  await vi.waitFor(() => expect(only.election.isLeader).toBe(false), { timeout: 5_000 });
  await vi.waitFor(() => expect(only.election.isCurrent).toBe(false), { timeout: 5_000 });
  expect(only.log.warn.mock.calls[0]?.[1]).toMatch(
    /^the lease can't be read or written, trying again: .*ECONNREFUSED.*; without rights to it, set NODESWEEP_LEADER_ELECTION=false/,
  );
  await server.start();
  await untilLeading(only);
  expect(only.onElected).toHaveBeenCalledTimes(2);
});

it('a replica stops leading if somebody else changed the lease', async () => {
  const server = await startServer();
  const first = stand(server, 'first');
  await untilLeading(first);
  const collection = path.slice(0, path.lastIndexOf('/'));
  const spec = { holderIdentity: 'somebody', leaseDurationSeconds: 60 };
  server.put(collection, 'nodesweep-scheduler', { spec });
  await vi.waitFor(() => expect(first.election.isLeader).toBe(false), { timeout: 5_000 });
  expect(first.election.isCurrent).toBe(true);
  expect(holderOf(server)).toBe('somebody');
});
