import { connect } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { forwardPage } from '../../../../cli/cluster/page/page-forward.ts';
import type { PagePod, PagePort } from '../../../../cli/cluster/page/page-port.ts';
import { servePage } from '../../../../scheduler/page-server.ts';
import { buildPageFacts } from '../../../helpers/page-facts.ts';

/** A cluster whose API server forwards each port to the page of a scheduler on this machine. */
class FakeCluster implements PagePort {
  schedulers: PagePod[] = [{ pod: 'one', port: 8081, isReady: true }];
  forwarded: string[] = [];
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async listSchedulers(): Promise<readonly PagePod[]> {
    return this.schedulers;
  }

  async forward(pod: string, port: number, socket: Parameters<PagePort['forward']>[2]): Promise<void> {
    this.forwarded.push(`${pod}:${port}`);
    if (pod === 'refused') throw new Error('forbidden');
    const page = connect(this.#port, '127.0.0.1');
    await Promise.allSettled([pipeline(socket, page), pipeline(page, socket)]);
  }

  async close(): Promise<void> {}
}

async function openCluster(): Promise<FakeCluster> {
  const facts = buildPageFacts(3);
  const server = await servePage({ address: '127.0.0.1', port: 0, hosts: [] }, { facts: () => facts }, console);
  onTestFinished(() => server.close());
  return new FakeCluster(Number(new URL(server.url).port));
}

async function forward(cluster: FakeCluster, onTrouble: (message: string) => void = () => {}) {
  const page = await forwardPage(cluster, { namespace: 'nodesweep', localPort: 0 }, onTrouble);
  onTestFinished(() => page.close());
  return page;
}

const read = async (url: string) => {
  const response = await fetch(url, { headers: { connection: 'close' } });
  return { status: response.status, text: await response.text() };
};

it('the page of a ready scheduler is at an address of this machine only', async () => {
  const cluster = await openCluster();
  cluster.schedulers = [
    { pod: 'starting', port: 8081, isReady: false },
    { pod: 'ready', port: 9000, isReady: true },
  ];
  const { url } = await forward(cluster);
  expect(url).toMatch(/^http:\/\/localhost:\d+\/$/);
  expect(await read(url.replace('localhost', '127.0.0.1'))).toMatchObject({
    status: 200,
    text: expect.stringContaining('Fullest nodes'),
  });
  expect(cluster.forwarded).toEqual(['ready:9000']);
});

it('the page goes on with another scheduler after a rollout', async () => {
  const cluster = await openCluster();
  const { url } = await forward(cluster);
  const address = url.replace('localhost', '127.0.0.1');
  await read(address);
  cluster.schedulers = [{ pod: 'two', port: 8081, isReady: true }];
  expect((await read(address)).status).toBe(200);
  expect(cluster.forwarded).toEqual(['one:8081', 'two:8081']);
});

it('a connection that is refused is told, and the next one is tried', async () => {
  const cluster = await openCluster();
  const onTrouble = vi.fn();
  const { url } = await forward(cluster, onTrouble);
  const address = url.replace('localhost', '127.0.0.1');
  cluster.schedulers = [{ pod: 'refused', port: 8081, isReady: true }];
  await expect(read(address)).rejects.toThrow();
  expect(onTrouble).toHaveBeenCalledWith('forbidden');
  cluster.schedulers = [{ pod: 'one', port: 8081, isReady: true }];
  expect((await read(address)).status).toBe(200);
});

it.each([
  ['no scheduler runs', [], /no scheduler is at work in namespace nodesweep; choose its namespace with -n/],
  [
    'the page is off',
    [{ pod: 'one', port: undefined, isReady: true }],
    /serves no status page: set NODESWEEP_PAGE_PORT/,
  ],
])('is an error with the next step if %s', async (_title, schedulers, message) => {
  const cluster = await openCluster();
  cluster.schedulers = schedulers;
  await expect(forward(cluster)).rejects.toThrow(message);
});

it('is an error with the next step if the port of this machine is taken', async () => {
  const cluster = await openCluster();
  const localPort = Number(new URL((await forward(cluster)).url).port);
  await expect(forwardPage(cluster, { namespace: 'nodesweep', localPort }, () => {})).rejects.toThrow(
    /EADDRINUSE.*choose another one with --port/,
  );
});
