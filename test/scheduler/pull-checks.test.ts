import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { imagesIn } from '../../scheduler/cleanup/candidates.ts';
import { PullChecks } from '../../scheduler/pull-checks.ts';
import { openRegistries } from '../../scheduler/registry/open.ts';
import { PolitelyAskedRegistries } from '../../scheduler/registry/registries.ts';
import type { Reply } from '../../scheduler/registry/reply.ts';
import { buildPod } from '../helpers/builders.ts';

const silent = { info: () => {}, warn: () => {}, error: () => {} } as never;

/** A registry that has every second image, and counts its requests. */
function buildCounting() {
  const seen = { requests: 0, mostAtOnce: 0 };
  let open = 0;
  const ask = async (_: string, digest: string): Promise<Reply> => {
    seen.requests += 1;
    open += 1;
    seen.mostAtOnce = Math.max(seen.mostAtOnce, open);
    await new Promise((resolve) => setImmediate(resolve));
    open -= 1;
    return { kind: Number.parseInt(digest.slice(-1), 16) % 2 === 0 ? 'Present' : 'Absent' };
  };
  return { seen, ask };
}

it('a registry on this machine is asked over HTTP, with the digest in the path (S12)', async () => {
  const seen: string[] = [];
  const digest = `sha256:${'a'.repeat(64)}`;
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.writeHead(200, { 'docker-content-digest': digest }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const registries = await openRegistries({ secrets: [], plainHosts: [], timeoutMs: 60_000 }, silent);
  expect(await registries.ask(`${host}/team/app@${digest}`)).toEqual({ kind: 'Present' });
  expect(seen).toEqual([`HEAD /v2/team/app/manifests/${digest}`]);
  await registries.stop();
  const other = `${host}/team/app@sha256:${'b'.repeat(64)}`;
  expect(await registries.ask(other)).toMatchObject({ kind: 'Unknown' });
  expect(seen).toHaveLength(1);
});

it('1,000 nodes with 200 images each ask a registry once for each of 3,000 digests, eight at a time (S12)', async () => {
  const { seen, ask } = buildCounting();
  const distinct = 3_000;
  const nameOf = (index: number) =>
    `registry.example/team/app-${index % 300}@sha256:${index.toString(16).padStart(64, '0')}`;
  const lines = Array.from({ length: distinct }, (_, index) =>
    JSON.stringify({
      event: 'image',
      id: `sha256:${index.toString(16).padStart(64, '0')}`,
      names: [nameOf(index)],
      decision: 'remove',
      outcome: 'planned',
      sizeBytes: 1,
    }),
  );
  const logOf = (node: number) =>
    Array.from({ length: 200 }, (_, image) => lines[(node * 37 + image) % distinct]).join('\n');
  let answered = 0;
  const registries = new PolitelyAskedRegistries(ask, { nowMs: () => 0, sleep: async () => {} });
  const checks = new PullChecks({
    registries: { ask: (name) => registries.ask(name), stop: async () => {} },
    readLog: async (pod) => logOf(Number(pod)),
    imagesIn,
    onAnswered: () => {
      answered += 1;
    },
    log: silent,
    nowMs: () => performance.now(),
  });
  const pods = Array.from({ length: 1_000 }, (_, node) => buildPod(`node-${node}`, { name: String(node) }));
  for (const pod of pods) checks.begin(pod, 3_600);
  for (const pod of pods) checks.begin(pod, 3_600);
  await vi.waitFor(() => expect(answered === 1_000).toBe(true), { timeout: 60_000 });
  expect(seen.requests).toBe(distinct);
  expect(seen.mostAtOnce).toBeLessThanOrEqual(8);
  const verdicts = checks.verdictsOf({ name: '0' });
  expect(verdicts?.pullable).toHaveLength(100);
  expect(verdicts?.absent).toHaveLength(100);
});

it('what a slow registry does not answer in time is unknown, and the answers of others count (S12)', async () => {
  const names = ['slow.example/a@sha256:1', 'fast.example/b@sha256:2'];
  const checks = new PullChecks({
    registries: {
      ask: (name) => (name.startsWith('slow') ? new Promise(() => {}) : Promise.resolve({ kind: 'Present' })),
      stop: async () => {},
    },
    readLog: async () => '',
    imagesIn: () => ({ ids: new Set(), candidates: new Map([['sha256:1', names]]) }),
    onAnswered: () => {},
    log: silent,
    nowMs: () => 0,
  });
  checks.begin(buildPod('node', { name: 'pod' }), 0.3);
  await vi.waitFor(() => expect(checks.verdictsOf({ name: 'pod' }) !== undefined).toBe(true), { timeout: 60_000 });
  expect(checks.verdictsOf({ name: 'pod' })).toEqual({
    pullable: [names[1]],
    absent: [],
    unanswered: { 'slow.example': 'no answer in time' },
  });
});

it('a log that can not be read makes all images unknown, with the cause (S12)', async () => {
  const checks = new PullChecks({
    registries: { ask: async () => ({ kind: 'Present' }), stop: async () => {} },
    readLog: () => Promise.reject(new Error('403: pods/log is forbidden')),
    imagesIn,
    onAnswered: () => {},
    log: silent,
    nowMs: () => 0,
  });
  checks.begin(buildPod('node', { name: 'pod' }), 3_600);
  await vi.waitFor(() => expect(checks.verdictsOf({ name: 'pod' }) !== undefined).toBe(true), { timeout: 60_000 });
  expect(checks.verdictsOf({ name: 'pod' })).toMatchObject({
    pullable: [],
    note: expect.stringContaining('pods/log is forbidden'),
  });
});
