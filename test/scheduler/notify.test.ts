import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SchedulerProcess } from '../helpers/scheduler-process.ts';

const maps = '/api/v1/namespaces/nodesweep/configmaps';
const patience = { timeout: 80_000, interval: 200 };
let scheduler: SchedulerProcess;
let directory: string;
let receiver: Server;
let bodies: string[];

beforeEach(async () => {
  scheduler = await SchedulerProcess.prepare();
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-notify-'));
  bodies = [];
  receiver = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    bodies.push(body);
    // The first try fails.
    response.writeHead(bodies.length === 1 ? 500 : 200).end(`thanks for ${request.url}`);
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await scheduler.remove();
  receiver.closeAllConnections();
  receiver.close();
  await rm(directory, { recursive: true, force: true });
});

it('a scheduler tells a webhook of an invalid policy, tries again after an error, remembers it, and shows the address nowhere (H62, H63)', async () => {
  const { port } = receiver.address() as AddressInfo;
  const file = join(directory, 'url');
  await writeFile(file, `http://127.0.0.1:${port}/hooks/TOPSECRET`);
  scheduler.api.put(maps, 'broken', {
    metadata: { labels: { 'nodesweep.io/kind': 'policy' } },
    data: { 'cleanup.yaml': 'schedule: never' },
  });
  scheduler.start({ NODESWEEP_NOTIFY_URL_FILE: file, NODESWEEP_NOTIFY_CLUSTER: 'test' });
  await vi.waitFor(() => expect(bodies.length).toBe(2), patience);
  for (const body of bodies)
    expect(JSON.parse(body)).toMatchObject({
      cluster: 'test',
      namespace: 'nodesweep',
      notifications: [{ policy: 'broken', status: 'Bad', reason: 'InvalidPolicy' }],
    });
  const stored = () =>
    JSON.stringify([...scheduler.api.objects.entries()].filter(([path]) => path.endsWith('/broken.status')));
  await vi.waitFor(() => expect(stored()).toContain('Policy: InvalidPolicy'), patience);
  const metrics = await scheduler.readMetrics();
  expect(metrics).toContain('nodesweep_notifications_total{result="delivered"} 1');
  expect(metrics).toContain('nodesweep_notifications_total{result="failed"} 1');
  const { log, exitCode } = await scheduler.stop();
  expect(exitCode).toBe(0);
  expect(log).toContain('could not send a notification yet, trying again: the receiver answered with 500');
  expect(`${log}${metrics}${stored()}`).not.toContain('TOPSECRET');
});

it('a scheduler without the Secret does its work (H63)', async () => {
  scheduler.start({ NODESWEEP_NOTIFY_URL_FILE: join(directory, 'missing') });
  await vi.waitFor(async () => expect(await scheduler.ask('/readyz')).toBe(200), patience);
  expect((await scheduler.stop()).exitCode).toBe(0);
});
