import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UrlSource, type UrlSourceOptions } from '../../../sets/download/source.ts';
import { type Certificates, createCertificates } from '../../helpers/certificates.ts';
import { digestOf, trivyReport } from '../../helpers/scan-reports.ts';
import { refusal, SourceServer } from '../../helpers/source-server.ts';

const list = 'acme/web:1\nacme/api:2\n';
const images = ['acme/web:1', 'acme/api:2'];
const now = new Date('2026-03-01T10:00:00Z');

let directory: string;
let retries: string[];
let server: SourceServer;
let other: SourceServer;

beforeEach(async () => {
  retries = [];
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-url-'));
  server = await new SourceServer().start();
  other = await new SourceServer().start();
});
afterEach(async () => {
  await server.stop();
  await other.stop();
  await rm(directory, { recursive: true, force: true });
});

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

async function read(address: string, options: Partial<UrlSourceOptions> = {}, signal = new AbortController().signal) {
  const source = new UrlSource({
    address,
    criteria: { severities: ['CRITICAL'], isFixableOnly: false, isEndOfLife: false },
    checks: {},
    isHttpAllowed: false,
    maxBytes: 1_000_000,
    environment: {},
    readClock: () => now,
    firstPauseMs: 1,
    onRetry: (message) => retries.push(message),
    ...options,
  });
  const { entries } = await source.read({ entries: [], memory: undefined }, signal);
  return entries.map(({ image }) => image);
}

describe('a set from an address', () => {
  it('has the lines of the answer (S11)', async () => {
    server.answer('/list.txt', list);
    expect(await read(server.url('/list.txt'))).toEqual(images);
  });

  it('has the images of a report, also if the answer comes in chunks (S11)', async () => {
    const image = `docker.io/acme/web@${digestOf('a')}`;
    const text = JSON.stringify(trivyReport({ digests: [image] }, [{ id: 'CVE-2026-1', severity: 'CRITICAL' }]));
    server.answer('/report.json', (response) => {
      response.writeHead(200);
      for (let start = 0; start < text.length; start += 100) response.write(text.slice(start, start + 100));
      response.end();
    });
    expect(await read(server.url('/report.json'))).toEqual([image]);
  });

  it('is described without the query of the address, which may have a secret', () => {
    const address = 'https://lists.example.com/a/list.txt?sig=secret';
    const options = { address, criteria: { severities: [], isFixableOnly: false, isEndOfLife: false }, checks: {} };
    const source = new UrlSource({
      ...options,
      isHttpAllowed: false,
      maxBytes: 1,
      environment: {},
      readClock: () => now,
      onRetry: () => {},
    });
    expect(source.description).toBe('https://lists.example.com/a/list.txt');
  });

  it.each([
    ['ftp://lists.example.com/a', 'must begin with https://'],
    ['list.txt', 'must begin with https://'],
    ['http://lists.example.com/a', 'allow http with --allow-http'],
    ['https://user:password@lists.example.com/a', 'has a user name or password'],
  ])('is refused for the address %s', async (address, message) => {
    await expect(read(address)).rejects.toThrow(message);
  });
});

describe('an answer that is not complete', () => {
  it.each([
    [
      'ends before its length',
      (response: import('node:http').ServerResponse) => {
        response.writeHead(200, { 'content-length': 1_000 });
        response.write(list);
        setTimeout(() => response.destroy(), 20);
      },
    ],
    [
      'ends in the middle of its chunks',
      (response: import('node:http').ServerResponse) => {
        response.writeHead(200);
        response.write(list);
        setTimeout(() => response.destroy(), 20);
      },
    ],
  ])('because it %s is no content, and is asked for again (S8, S11)', async (_, answer) => {
    server.answer('/list.txt', answer);
    await expect(read(server.url('/list.txt'))).rejects.toThrow(`the answer of ${server.url('/list.txt')} ended early`);
    expect(server.asked).toHaveLength(6);
    server.answer('/list.txt', answer, list);
    expect(await read(server.url('/list.txt'))).toEqual(images);
  });

  it('because nobody knows its length is no content, except with a checksum (S8, S11)', async () => {
    server.answer('/list.txt', (response) => {
      response.useChunkedEncodingByDefault = false;
      response.writeHead(200, { connection: 'close' });
      response.end(list);
    });
    await expect(read(server.url('/list.txt'))).rejects.toThrow('the answer has no length');
    const sha256 = createHash('sha256').update(list).digest('hex');
    expect(await read(server.url('/list.txt'), { checks: { sha256 } })).toEqual(images);
  });

  it('is not what was asked for if it is compressed', async () => {
    server.answer('/list.txt', (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'));
    await expect(read(server.url('/list.txt'))).rejects.toThrow('answers with the encoding gzip');
  });

  it.each([204, 206, 304])('with the code %i is no content', async (code) => {
    server.answer('/list.txt', (response) => response.writeHead(code).end(code === 206 ? list : undefined));
    await expect(read(server.url('/list.txt'))).rejects.toThrow(`answers with ${code}`);
  });

  it.each(['with its length', 'in chunks'])('and is too large %s is given up (S11)', async (how) => {
    const large = 'a'.repeat(2_000_000);
    server.answer('/list.txt', how === 'in chunks' ? (response) => response.writeHead(200).end(large) : large);
    await expect(read(server.url('/list.txt'))).rejects.toThrow(
      'has more than 1000000 bytes: allow more with --max-size',
    );
    expect(server.asked).toHaveLength(1);
  });
});

describe('a failure', () => {
  it.each([408, 429, 500, 502, 503, 504])('with the code %i is tried again', async (code) => {
    server.answer('/list.txt', refusal(code), refusal(code), list);
    expect(await read(server.url('/list.txt'))).toEqual(images);
  });

  it('is told if it does not pass', async () => {
    server.answer('/list.txt', refusal(503, { 'retry-after': '0' }));
    await expect(read(server.url('/list.txt'))).rejects.toThrow('answers with 503');
    expect(server.asked).toHaveLength(6);
    expect(retries).toEqual(Array(5).fill(expect.stringMatching(/answers with 503; next attempt in /)));
  });

  it.each([
    [401, 'give credentials with --token-file or --header-file'],
    [403, 'give credentials'],
    [404, 'answers with 404'],
    [400, 'answers with 400'],
  ])('with the code %i is told at once', async (code, message) => {
    server.answer('/list.txt', refusal(code));
    await expect(read(server.url('/list.txt'))).rejects.toThrow(message);
    expect(server.asked).toHaveLength(1);
  });

  it('is tried again when the server says so, and not after the deadline', async () => {
    server.answer('/list.txt', refusal(429, { 'retry-after': '1' }), list);
    const startedAt = performance.now();
    expect(await read(server.url('/list.txt'))).toEqual(images);
    expect(performance.now() - startedAt).toBeGreaterThan(900);
    server.answer('/list.txt', refusal(429, { 'retry-after': '3600' }));
    await expect(read(server.url('/list.txt'), {}, AbortSignal.timeout(300))).rejects.toThrow();
    expect(server.asked).toHaveLength(3);
  });

  it('by silence ends at the deadline', async () => {
    server.answer('/list.txt', () => {});
    await expect(read(server.url('/list.txt'), {}, AbortSignal.timeout(300))).rejects.toThrow();
  });

  it('to connect is told', async () => {
    const address = server.url('/list.txt');
    await server.stop();
    await expect(read(address)).rejects.toThrow(`${address} could not be reached (ECONNREFUSED)`);
  });
});

describe('a redirect', () => {
  it('is followed five times, and not more', async () => {
    for (let index = 0; index < 5; index += 1) server.answer(`/${index}`, refusal(302, { location: `/${index + 1}` }));
    server.answer('/5', list);
    expect(await read(server.url('/0'))).toEqual(images);
    server.answer('/5', refusal(308, { location: '/6' }));
    server.answer('/6', list);
    await expect(read(server.url('/0'))).rejects.toThrow('redirects more than 5 times');
    await expect(read(server.url('/1'))).resolves.toEqual(images);
  });

  it('to another host gets no credentials, and back at the first one it gets them (S11)', async () => {
    server.answer('/list.txt', refusal(307, { location: other.url('/list.txt') }));
    other.answer('/list.txt', refusal(307, { location: server.url('/real.txt') }));
    server.answer('/real.txt', list);
    const tokenFile = await file('token', 'secret-token\n');
    const headerFile = await file('headers', 'X-Api-Key: secret-key\n');
    expect(await read(server.url('/list.txt'), { tokenFile, headerFile })).toEqual(images);
    const headers = (asked: SourceServer['asked']) =>
      asked.map(({ headers: { authorization, 'x-api-key': key } }) => [authorization, key]);
    expect(headers(server.asked)).toEqual([
      ['Bearer secret-token', 'secret-key'],
      ['Bearer secret-token', 'secret-key'],
    ]);
    expect(headers(other.asked)).toEqual([[undefined, undefined]]);
  });

  it.each([
    ['to http on another host', 'http://lists.example.com/list.txt', 'must begin with https://'],
    ['to a file', 'file:///etc/passwd', 'must begin with https://'],
    ['to an address with a password', 'https://a:b@lists.example.com/', 'has a user name or password'],
    ['to nothing', '', 'redirects without an address'],
  ])('%s is not followed', async (_, location, message) => {
    server.answer('/list.txt', location === '' ? refusal(302) : refusal(302, { location }));
    await expect(read(server.url('/list.txt'))).rejects.toThrow(message);
  });
});

describe('credentials', () => {
  it.each([
    ['tokenFile', 'missing', undefined, 'is missing: check the Secret'],
    ['tokenFile', 'empty', '\n', 'must have one token'],
    ['tokenFile', 'two', 'secret-one secret-two', 'must have one token'],
    ['headerFile', 'no header', 'secret-key', 'line 1 is no header'],
    ['headerFile', 'a reserved one', 'Host: secret-host', 'has the header host'],
  ])('in %s (%s) are refused without being shown', async (option, name, content, message) => {
    const path = content === undefined ? join(directory, name) : await file(name, content);
    const running = read(server.url('/list.txt'), { [option]: path });
    await expect(running).rejects.toThrow(message);
    await expect(running).rejects.not.toThrow('secret');
    expect(server.asked).toEqual([]);
  });

  it('are read again for each attempt, because a Secret may be renewed', async () => {
    const tokenFile = await file('token', 'old');
    server.answer(
      '/list.txt',
      (response) => {
        void writeFile(tokenFile, 'new').then(() => response.writeHead(503).end());
      },
      list,
    );
    await read(server.url('/list.txt'), { tokenFile });
    expect(server.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
  });
});

describe('a content that must match', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const signature = sign(null, Buffer.from(list), privateKey);
  const keyFile = () => file('key.pem', String(publicKey.export({ format: 'pem', type: 'spki' })));

  it('its checksum in a file counts only if it does (S11)', async () => {
    server.answer('/list.txt', list);
    const sha256File = await file('sums', `${createHash('sha256').update(list).digest('hex')}  list.txt\n`);
    expect(await read(server.url('/list.txt?v=1'), { checks: { sha256File } })).toEqual(images);
    server.answer('/list.txt', `${list}acme/db:3\n`);
    await expect(read(server.url('/list.txt'), { checks: { sha256File } })).rejects.toThrow('SHA-256');
  });

  it('a signature from a file or from an address counts only if it does (S11)', async () => {
    server.answer('/list.txt', list);
    other.answer('/list.sig', signature.toString('base64'));
    const signatureFile = await file('list.sig', signature);
    const tokenFile = await file('token', 'secret-token');
    for (const place of [signatureFile, other.url('/list.sig')]) {
      const checks = { publicKey: await keyFile(), signature: place };
      expect(await read(server.url('/list.txt'), { checks, tokenFile })).toEqual(images);
    }
    expect(other.asked[0]?.headers.authorization).toBeUndefined();
    server.answer('/list.txt', `${list}acme/db:3\n`);
    const checks = { publicKey: await keyFile(), signature: signatureFile };
    await expect(read(server.url('/list.txt'), { checks })).rejects.toThrow('its signature is not one of this content');
    await expect(
      read(server.url('/list.txt'), { checks: { ...checks, signature: other.url('/missing') } }),
    ).rejects.toThrow('answers with 404');
  });
});

describe('with TLS', () => {
  let certificates: Certificates;
  let secure: SourceServer;

  beforeEach(async () => {
    certificates = createCertificates();
    secure = await new SourceServer(certificates).start();
    secure.answer('/list.txt', list);
  });
  afterEach(() => secure.stop());

  it('the certificate of a private authority is accepted with its file, and only then', async () => {
    const caFile = await file('ca.crt', certificates.authority);
    expect(await read(secure.url('/list.txt'), { caFile })).toEqual(images);
    await expect(read(secure.url('/list.txt'))).rejects.toThrow('give the certificate of its authority with --ca-file');
    const another = await file('other.crt', createCertificates().authority);
    await expect(read(secure.url('/list.txt'), { caFile: another })).rejects.toThrow('--ca-file');
    await expect(read(secure.url('/list.txt'), { caFile: await file('no.crt', 'x') })).rejects.toThrow(
      'no certificate',
    );
  });

  it('a redirect to http is not followed (S11)', async () => {
    const caFile = await file('ca.crt', certificates.authority);
    secure.answer('/list.txt', refusal(302, { location: server.url('/list.txt') }));
    await expect(read(secure.url('/list.txt'), { caFile, isHttpAllowed: true })).rejects.toThrow('from https to');
    expect(server.asked).toEqual([]);
  });

  it('a proxy of the environment is used, except for the hosts of NO_PROXY', async () => {
    const caFile = await file('ca.crt', certificates.authority);
    const tunnels: string[] = [];
    const proxy: Server = createServer();
    proxy.on('connect', (request, socket) => {
      tunnels.push(request.url ?? '');
      const target = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        target.pipe(socket).pipe(target);
      });
      target.on('error', () => socket.destroy());
      socket.on('error', () => target.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const HTTPS_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    expect(await read(secure.url('/list.txt'), { caFile, environment: { HTTPS_PROXY } })).toEqual(images);
    expect(tunnels).toEqual([new URL(secure.url('/')).host]);
    const environment = { HTTPS_PROXY, NO_PROXY: 'localhost' };
    expect(await read(secure.url('/list.txt'), { caFile, environment })).toEqual(images);
    expect(tunnels).toHaveLength(1);
    proxy.closeAllConnections();
    proxy.close();
  });
});
