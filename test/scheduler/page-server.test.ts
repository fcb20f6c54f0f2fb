import { request } from 'node:http';
import { connect } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { PageFacts } from '../../scheduler/page/facts.ts';
import { servePage } from '../../scheduler/page-server.ts';
import { buildPageFacts } from '../helpers/page-facts.ts';

const facts = buildPageFacts(5);

async function serve(read: () => PageFacts = () => facts) {
  const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const server = await servePage({ address: '127.0.0.1', port: 0, hosts: [] }, read, log);
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
  await expect(servePage({ address: '127.0.0.1', port, hosts: [] }, () => facts, console)).rejects.toThrow(
    /EADDRINUSE/,
  );
});
