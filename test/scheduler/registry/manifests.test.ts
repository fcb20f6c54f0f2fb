import { expect, it } from 'vitest';
import { PlainHosts } from '../../../scheduler/registry/address.ts';
import type { HttpAnswer } from '../../../scheduler/registry/http.ts';
import type { Credentials } from '../../../scheduler/registry/keyring.ts';
import { Manifests } from '../../../scheduler/registry/manifests.ts';
import { Tokens } from '../../../scheduler/registry/tokens.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const otherDigest = `sha256:${'b'.repeat(64)}`;
const repository = 'registry.example/acme/app';
const puller: Credentials = { username: 'puller', password: 'only-for-tests' };
const present = { status: 200, headers: { 'docker-content-digest': digest } };
const missing = { status: 404, headers: { 'content-type': 'application/json; charset=utf-8' } };
const bearer = (realm: string) => ({
  status: 401,
  headers: { 'www-authenticate': `Bearer realm="${realm}",service="registry"` },
});
const token = { status: 200, body: JSON.stringify({ token: 'token-1', expires_in: 300 }) };

interface Sent {
  readonly method: string;
  readonly address: string;
  readonly authorization: string | undefined;
}

/** The internet: the answer of each address, by its beginning, in the order of the requests. */
function connect(answer: (sent: Sent) => Partial<HttpAnswer>, credentials: readonly Credentials[] = [puller]) {
  const sent: Sent[] = [];
  const plain = new PlainHosts(['plain.example:5000']);
  const send = async (method: 'HEAD' | 'GET', address: URL, headers: Record<string, string>) => {
    const request = { method, address: address.href, authorization: headers.authorization };
    sent.push(request);
    return { status: 500, headers: {}, body: '', ...answer(request) };
  };
  let nowMs = 0;
  const tokens = new Tokens(send, plain, () => nowMs);
  const now = () => new Date(nowMs);
  const manifests = new Manifests({ send, plain, tokens, credentialsFor: async () => credentials, now });
  return {
    sent,
    ask: (name = repository, wanted = digest) => manifests.ask(name, wanted),
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

it('a manifest is asked for by its digest with HEAD, and nothing of its content is read (S12)', async () => {
  const { ask, sent } = connect(() => present, []);
  expect(await ask()).toEqual({ kind: 'Present' });
  const address = `https://registry.example/v2/acme/app/manifests/${digest}`;
  expect(sent).toEqual([{ method: 'HEAD', address, authorization: undefined }]);
});

it.each([
  ['docker.io/library/nginx', 'https://registry-1.docker.io/v2/library/nginx/manifests/'],
  ['ghcr.io/acme/deep/app', 'https://ghcr.io/v2/acme/deep/app/manifests/'],
  ['127.0.0.1:5000/app', 'http://127.0.0.1:5000/v2/app/manifests/'],
  ['localhost/app', 'http://localhost/v2/app/manifests/'],
  ['plain.example:5000/app', 'http://plain.example:5000/v2/app/manifests/'],
  ['plain.example:5001/app', 'https://plain.example:5001/v2/app/manifests/'],
])('the registry of %s is asked at %s (S12)', async (name, address) => {
  const { ask, sent } = connect(() => present, []);
  await ask(name);
  expect(sent[0]?.address).toBe(`${address}${digest}`);
});

it.each(['registry.example/../v1/secret', 'registry.example/a?b=c', 'user@registry.example/app', 'registry.example/'])(
  'the text %s that a runtime lists as a name makes no request (S12)',
  async (name) => {
    const { ask, sent } = connect(() => present);
    expect(await ask(name)).toMatchObject({ kind: 'Refused' });
    expect(sent).toEqual([]);
  },
);

it.each([
  ['404 of a registry', missing, 'Absent'],
  [
    '404 with the version of the API',
    { status: 404, headers: { 'docker-distribution-api-version': 'registry/2.0' } },
    'Absent',
  ],
  ['404 of another server', { status: 404, headers: { 'content-type': 'text/html' } }, 'Refused'],
  [
    '200 with the type of a manifest',
    { status: 200, headers: { 'content-type': 'application/vnd.oci.image.index.v1+json' } },
    'Present',
  ],
  ['200 of a login page', { status: 200, headers: { 'content-type': 'text/html' } }, 'Refused'],
  ['another digest', { status: 200, headers: { 'docker-content-digest': otherDigest } }, 'Refused'],
  ['403', { status: 403 }, 'Denied'],
  ['418', { status: 418 }, 'Refused'],
  ['503', { status: 503 }, 'Failed'],
  ['429', { status: 429, headers: { 'retry-after': '7' } }, 'Throttled'],
])('the answer %s is read without a guess (S12)', async (_, answer, kind) => {
  expect((await connect(() => answer, []).ask()).kind).toBe(kind);
});

it('a registry that says when to come again is taken at its word (S12)', async () => {
  const { ask } = connect(() => ({ status: 429, headers: { 'retry-after': '7' } }), []);
  expect(await ask()).toMatchObject({ kind: 'Throttled', retryAfterMs: 7_000 });
});

it('the next answer of a registry without pulls left makes a pause, because nodes need them (S12)', async () => {
  const headers = { ...present.headers, 'ratelimit-remaining': '0;w=21600' };
  expect(await connect(() => ({ ...present, headers })).ask()).toEqual({ kind: 'Present', pauseMs: 600_000 });
});

it('credentials go to the realm, and the token to the registry, and to nobody else (S12)', async () => {
  const { ask, sent } = connect(({ address, authorization }) => {
    if (address.startsWith('https://auth.example/')) return token;
    return authorization === 'Bearer token-1' ? present : bearer('https://auth.example/token?tenant=1');
  });
  expect(await ask()).toEqual({ kind: 'Present' });
  const authorization = `Basic ${Buffer.from('puller:only-for-tests').toString('base64')}`;
  expect(sent.map(({ address, authorization }) => [new URL(address).host, authorization])).toEqual([
    ['registry.example', undefined],
    ['auth.example', authorization],
    ['registry.example', 'Bearer token-1'],
  ]);
  expect(new URL(sent[1]?.address ?? '').searchParams.toString()).toBe(
    'tenant=1&service=registry&scope=repository%3Aacme%2Fapp%3Apull',
  );
});

it('a token is asked for once as long as it is valid, and again after it has expired (S12)', async () => {
  const { ask, sent, pass } = connect(({ address, authorization }) => {
    if (address.startsWith('https://auth.example/')) return token;
    return authorization === 'Bearer token-1' ? present : bearer('https://auth.example/token');
  });
  const tokens = () => sent.filter(({ address }) => address.startsWith('https://auth.example/')).length;
  await ask();
  await ask(repository, digest);
  expect([sent.length, tokens()]).toEqual([4, 1]);
  pass(295_000);
  await ask();
  expect(tokens()).toBe(2);
});

it.each(['http://auth.example/token', 'ftp://auth.example/', 'not an address'])(
  'no credentials go to the realm %s (S12)',
  async (realm) => {
    const { ask, sent } = connect(() => bearer(realm));
    expect(await ask()).toMatchObject({ kind: 'Refused' });
    expect(sent.map(({ authorization }) => authorization)).toEqual([undefined]);
  },
);

it('a redirect to another host is followed without credentials, also where that host demands some (S12)', async () => {
  const { ask, sent } = connect(({ address, authorization }) => {
    const { host } = new URL(address);
    if (host === 'registry.example')
      return authorization === undefined
        ? { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
        : { status: 307, headers: { location: `https://mirror.example/v2/acme/app/manifests/${digest}` } };
    if (host === 'thief.example') return token;
    return authorization === 'Bearer token-1' ? present : bearer('https://thief.example/token');
  });
  expect(await ask()).toEqual({ kind: 'Present' });
  const seen = sent.filter(({ address }) => new URL(address).host !== 'registry.example');
  expect(seen.map(({ authorization }) => authorization)).toEqual([undefined, undefined, 'Bearer token-1']);
});

it.each([
  ['to an address without encryption', 'http://mirror.example/v2/'],
  ['to itself without end', ''],
])('a redirect %s is no answer (S12)', async (_, location) => {
  const { ask, sent } = connect(() => ({ status: 302, headers: { location } }), []);
  expect(await ask()).toMatchObject({ kind: 'Refused' });
  expect(sent.length).toBeLessThanOrEqual(6);
});

it('wrong credentials are tried once for a repository, so that no user is locked, and then each of the others (S12)', async () => {
  const right = { username: 'other', password: 'right' };
  const basicOf = ({ username, password }: Credentials) =>
    `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const { ask, sent } = connect(
    ({ authorization }) =>
      authorization === basicOf(right) ? present : { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } },
    [puller, right],
  );
  for (const wanted of [digest, otherDigest]) await ask(repository, wanted);
  const tried = sent.map(({ authorization }) => authorization);
  expect(tried.filter((authorization) => authorization === basicOf(puller))).toHaveLength(1);
  expect(await ask()).toEqual({ kind: 'Present' });
});

it('a realm that refuses a password denies access, and no message has the password (S12)', async () => {
  const { ask } = connect(({ address }) =>
    address.startsWith('https://auth.example/') ? { status: 401 } : bearer('https://auth.example/token'),
  );
  const reply = await ask();
  expect(reply).toMatchObject({ kind: 'Denied' });
  expect(JSON.stringify(reply)).not.toContain('only-for-tests');
});

it('an error of the network is a failure without a part of an address that may be secret (S12)', async () => {
  const { ask } = connect(() => {
    throw Object.assign(new Error('connect to https://registry.example/?key=secret'), { code: 'ECONNREFUSED' });
  });
  expect(await ask()).toEqual({ kind: 'Failed', why: 'it could not be reached (ECONNREFUSED)' });
});
