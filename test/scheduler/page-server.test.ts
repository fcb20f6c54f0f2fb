import { request } from 'node:http';
import { connect } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { PageFacts } from '../../scheduler/page/facts.ts';
import type { ReadCleanerLog } from '../../scheduler/page-logs.ts';
import { servePage } from '../../scheduler/page-server.ts';
import { buildCleanerLog, buildPageFacts } from '../helpers/page-facts.ts';

const facts = buildPageFacts(5);

async function serve(read: () => PageFacts = () => facts, readCleanerLog?: ReadCleanerLog) {
  const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const server = await servePage({ address: '127.0.0.1', port: 0, hosts: [] }, { facts: read, readCleanerLog }, log);
  onTestFinished(() => server.close());
  return { server, log };
}

/** The status of an answer to a request with a header `Host` of its own, which fetch does not send. */
function askAs(url: string, host: string): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  request(url, { headers: { host } }, (response) => resolve(response.resume().statusCode))
    .on('error', reject)
    .end();
  return promise;
}

it('the page is served as a document, and HEAD has the same headers without it', async () => {
  const { server } = await serve();
  const [page, head] = [await fetch(server.url), await fetch(server.url, { method: 'HEAD' })];
  const text = await page.text();
  expect(text).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/);
  expect([page.status, head.status, await head.text()]).toEqual([200, 200, '']);
  expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
  expect(head.headers.get('content-security-policy')).toBe(page.headers.get('content-security-policy'));
});

it('a request that would change something is refused, and its body is not read', async () => {
  const { server } = await serve();
  const { status } = await fetch(server.url, { method: 'POST', body: 'x'.repeat(1_000_000) });
  expect(status).toBe(405);
});

it('a request for the host of somebody else is refused on the wire', async () => {
  const { server } = await serve();
  expect(await askAs(server.url, 'evil.example.com')).toBe(421);
  expect(await askAs(server.url, 'localhost')).toBe(200);
});

it('a page that can not be made is an error of one request, with a line in the log, and affects nothing else', async () => {
  const { server, log } = await serve(() => {
    throw new Error('the state is broken');
  });
  expect((await fetch(server.url)).status).toBe(500);
  expect(log.error).toHaveBeenCalledWith(expect.anything(), expect.stringContaining('the state is broken'));
  expect((await fetch(`${server.url}style.css`)).status).toBe(200);
});

it('the page of a node has the images in the log of its last cleaner, which no other page and no refused request reads', async () => {
  const readCleanerLog = vi.fn<ReadCleanerLog>(async () => buildCleanerLog());
  const { server } = await serve(undefined, readCleanerLog);
  const [pod] = facts.state.pods;
  await fetch(server.url);
  await fetch(`${server.url}nodes`);
  await askAs(`${server.url}nodes/${pod?.node}`, 'evil.example.com');
  expect(readCleanerLog).not.toHaveBeenCalled();
  const page = await (await fetch(`${server.url}nodes/${pod?.node}`)).text();
  expect(readCleanerLog).toHaveBeenCalledWith(pod?.name);
  expect(page).toContain('docker.io/acme/batch:7');
});

it('a log that can not be read costs only its part of the page', async () => {
  const { server } = await serve(undefined, async () => {
    throw new Error('could not read the log: 403: forbidden');
  });
  const response = await fetch(`${server.url}nodes/${facts.state.pods[0]?.node}`);
  expect(response.status).toBe(200);
  const page = await response.text();
  expect(page).toContain('can not be read: could not read the log: 403: forbidden');
  expect(page).toContain('Disk usage before and after each run');
});

it('browsers that look at one page at the same time cost no more than one', async () => {
  const read = vi.fn(() => facts);
  const { server } = await serve(read);
  await Promise.all(Array.from({ length: 20 }, async () => (await fetch(server.url)).text()));
  expect(read.mock.calls.length).toBeLessThan(20);
});

it('a connection that says nothing does not keep the page from closing', async () => {
  const { server } = await serve();
  const { port } = new URL(server.url);
  const socket = connect(Number(port), '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  server.close();
  await closed;
});

it('a port that is taken is an error', async () => {
  const { server } = await serve();
  const port = Number(new URL(server.url).port);
  await expect(servePage({ address: '127.0.0.1', port, hosts: [] }, { facts: () => facts }, console)).rejects.toThrow(
    /EADDRINUSE/,
  );
});
