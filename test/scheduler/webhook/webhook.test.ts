import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { retryAfterMsOf } from '../../../contract/http/retry-after.ts';
import type { Message } from '../../../scheduler/notifications/message.ts';
import { Webhook } from '../../../scheduler/webhook/webhook.ts';
import { start } from '../../helpers/builders.ts';

const secret = 'T0000/B0000/words-of-the-secret';
const message: Message = {
  namespace: 'nodesweep',
  sentAt: start,
  notifications: [{ policy: 'nightly', subject: 'Run', kind: 'Bad', state: 'Failed', text: 'run x failed' }],
};

let directory: string;
let server: Server;
let received: { readonly path: string | undefined; readonly body: string; readonly type: string | undefined }[];
let answer: (response: ServerResponse, request: IncomingMessage) => void;
let webhook: Webhook;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-webhook-'));
  received = [];
  answer = (response) => response.writeHead(200).end('ok');
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    received.push({ path: request.url, body: Buffer.concat(chunks).toString(), type: request.headers['content-type'] });
    answer(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  webhook = open();
  await writeAddress(`${origin()}/services/${secret}\n`);
});

afterEach(async () => {
  await webhook.stop();
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true, force: true });
});

const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const addressFile = () => join(directory, 'url');
const writeAddress = (text: string) => writeFile(addressFile(), text);
const open = (timeoutMs = 20_000) =>
  new Webhook({ addressFile: addressFile(), format: 'json', timeoutMs, readClock: () => start });

/** The words of a failure. They never have the address. */
async function failure(): Promise<string> {
  const delivery = await webhook.send(message);
  if (delivery.kind !== 'Failed') throw new Error('it was delivered');
  expect(delivery.words).not.toContain('T0000');
  expect(delivery.words).not.toContain('127.0.0.1');
  expect(delivery.words).not.toContain('secret');
  return delivery.words;
}

describe('the webhook (H63)', () => {
  it('posts a message to the address in the file', async () => {
    expect(await webhook.send(message)).toEqual({ kind: 'Delivered' });
    expect(received).toMatchObject([{ path: `/services/${secret}`, type: 'application/json; charset=utf-8' }]);
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({ notifications: [{ reason: 'RunFailed' }] });
  });

  it('reads the file again for each message, so that a new address counts at once', async () => {
    await webhook.send(message);
    await writeAddress(`${origin()}/other`);
    await webhook.send(message);
    expect(received.map(({ path }) => path)).toEqual([`/services/${secret}`, '/other']);
  });

  it.each([500, 404, 410])('reports the answer %i, and not its text, which may repeat the address', async (code) => {
    answer = (response, { url }) => response.writeHead(code).end(`cannot POST ${url}`);
    expect(await failure()).toBe(`the receiver answered with ${code}`);
  });

  it('passes on the pause that a busy receiver asks for', async () => {
    answer = (response) => response.writeHead(429, { 'retry-after': '30' }).end();
    expect(await webhook.send(message)).toEqual({
      kind: 'Failed',
      words: 'the receiver answered with 429',
      retryAfterMs: 30_000,
    });
  });

  it('follows no redirect', async () => {
    answer = (response) => response.writeHead(307, { location: `${origin()}/elsewhere` }).end();
    expect(await failure()).toBe('the receiver answered with 307, a redirect, which is not followed');
    expect(received).toHaveLength(1);
  });

  it('gives up a receiver that hangs, before or in its answer', async () => {
    await webhook.stop();
    webhook = open(300);
    answer = () => {};
    expect(await failure()).toMatch(/^the receiver could not be reached \((?:UND_ERR_\w+|TimeoutError)\)$/);
  });

  it('counts an answer whose body never ends as delivered, after a time limit', async () => {
    await webhook.stop();
    webhook = open(500);
    answer = (response) => response.writeHead(200).write('o');
    expect(await webhook.send(message)).toEqual({ kind: 'Delivered' });
  });

  it('reports a connection that is reset', async () => {
    answer = (_, request) => request.socket.resetAndDestroy();
    expect(await failure()).toMatch(/^the receiver could not be reached \((?:ECONNRESET|UND_ERR_SOCKET)\)$/);
  });

  it('reports a receiver that is not there', async () => {
    await new Promise((resolve) => server.close(resolve));
    expect(await failure()).toBe('the receiver could not be reached (ECONNREFUSED)');
  });

  it.each([
    ['', /\/url is empty: put the address/],
    [`ftp://127.0.0.1/${secret}`, /\/url has no address that begins with https:/],
    [`hooks.test/${secret}`, /\/url has no address that begins with https:/],
    [`https://T0000:secret@127.0.0.1/`, /\/url has an address with a user name/],
  ])('does not use the address "%s"', async (address, words) => {
    await writeAddress(address);
    expect(await failure()).toMatch(words);
    expect(received).toEqual([]);
  });

  it('reports a file that is missing, and sends when it is there', async () => {
    await rm(addressFile());
    expect(await failure()).toMatch(/\/url is missing: create the Secret/);
    await writeAddress(`${origin()}/now`);
    expect(await webhook.send(message)).toEqual({ kind: 'Delivered' });
  });

  it('gives up a message when it is stopped', async () => {
    answer = () => webhook.stop();
    expect(await failure()).toMatch(/could not be reached/);
  });
});

it.each<[header: string | undefined, pauseMs: number | undefined]>([
  [undefined, undefined],
  ['', undefined],
  ['soon', undefined],
  ['0', 0],
  ['120', 120_000],
  ['Mon, 02 Mar 2026 10:00:30 GMT', 30_000],
  ['Mon, 02 Mar 2026 09:00:00 GMT', 0],
])('the Retry-After header "%s" asks for %s ms', (header, pauseMs) => {
  expect(retryAfterMsOf(header, start)).toBe(pauseMs);
});
