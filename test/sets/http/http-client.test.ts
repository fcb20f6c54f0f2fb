import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openConnection } from '../../../sets/http/connection.ts';
import { HttpClient } from '../../../sets/http/http-client.ts';

const secret = 'Basic c2VjcmV0';

let server: Server;
let client: HttpClient;
let answer: (response: ServerResponse) => void;
let asked: number;
let pauses: number[];

beforeEach(async () => {
  asked = 0;
  pauses = [];
  server = createServer((_, response) => {
    asked += 1;
    answer(response);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  client = new HttpClient({
    connection: openConnection({}),
    readClock: () => new Date('2026-03-01T10:00:00Z'),
    pause: async (ms, signal) => {
      pauses.push(ms);
      signal.throwIfAborted();
    },
  });
});
afterEach(async () => {
  await client.close();
  server.closeAllConnections();
  server.close();
});

function ask(signal = new AbortController().signal) {
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/list?page=1`);
  return client.ask({ method: 'GET', url, headers: { authorization: secret } }, signal);
}

describe('a question to a server with credentials (S10)', () => {
  it('has an answer with its status and body', async () => {
    answer = (response) => response.writeHead(404, { 'x-a': 'b' }).end('gone');
    expect(await ask()).toMatchObject({ status: 404, headers: { 'x-a': 'b' }, body: 'gone' });
    expect(asked).toBe(1);
  });

  it('is repeated after a passing failure, and never shows credentials in its error', async () => {
    answer = (response) => response.writeHead(503, { 'retry-after': 'Sun, 01 Mar 2026 10:00:30 GMT' }).end();
    const error = await ask().catch(String);
    expect(error).toMatch(/GET http:.*\/list\?page=1 failed 5 times, the last time because the answer was 503/);
    expect(error).not.toContain('c2VjcmV0');
    expect(pauses).toEqual([30_000, 30_000, 30_000, 30_000]);
  });

  it('is not repeated after its signal has aborted', async () => {
    const controller = new AbortController();
    answer = (response) => {
      controller.abort(new Error('the deadline has passed'));
      response.writeHead(503).end();
    };
    await expect(ask(controller.signal)).rejects.toThrow('the deadline has passed');
    expect(asked).toBe(1);
  });

  it('does not read an answer without an end', async () => {
    const part = Buffer.alloc(1024 * 1024, 'a');
    answer = (response) => {
      response.on('error', () => {});
      const write = () => {
        while (!response.destroyed && response.write(part));
        response.once('drain', write);
      };
      write();
    };
    await expect(ask()).rejects.toThrow(/the answer of .* to \/list has more than \d+ bytes/);
    expect(asked).toBe(1);
  });

  it.each([
    ['https://login.example.com/?return=secret', 'redirects to https://login.example.com, which is not followed'],
    ['/another', 'redirects to another path, which is not followed'],
    [undefined, 'a redirect without an address'],
  ])('follows no redirect to %s', async (location, message) => {
    answer = (response) => response.writeHead(302, location === undefined ? {} : { location }).end();
    const error = await ask().catch(String);
    expect(error).toContain(message);
    expect(error).not.toContain('secret');
    expect(asked).toBe(1);
  });
});
