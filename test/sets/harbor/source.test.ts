import { writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseImageSet } from '../../../contract/image-set.ts';
import { HarborApi } from '../../../sets/harbor/api.ts';
import { HarborSource, type HarborSourceOptions } from '../../../sets/harbor/source.ts';
import { openConnection } from '../../../sets/http/connection.ts';
import { HttpClient } from '../../../sets/http/http-client.ts';
import { type Produced, produce } from '../../../sets/produce.ts';
import { FakeSetStore } from '../../helpers/fake-set-store.ts';
import { type FakeArtifact, type FakeFault, HarborServer, type SeenRequest } from '../../helpers/harbor-server.ts';

const lookedAt = new Date('2026-03-01T10:00:00Z');
const critical = { id: 'CVE-2026-1', severity: 'Critical', fix_version: '2.0' };
const unfixed = { id: 'CVE-2026-2', severity: 'Critical' };
const high = { id: 'CVE-2026-3', severity: 'High', fix_version: '1.1' };

const digestOf = (number: number) => `sha256:${number.toString(16).padStart(64, '0')}`;
const artifact = (number: number, rest: Omit<FakeArtifact, 'digest'> = {}): FakeArtifact => ({
  digest: digestOf(number),
  ...rest,
});
const clean = (number: number, ...tags: string[]) => artifact(number, { tags, vulnerabilities: [] });

let server: HarborServer;
let store: FakeSetStore;
let directory: string;
let pauses: number[];
let now: Date;

beforeEach(async () => {
  server = new HarborServer();
  await server.start();
  store = new FakeSetStore();
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-harbor-'));
  await writeFile(join(directory, 'username'), 'robot$nodesweep\n');
  await writeFile(join(directory, 'password'), 'first');
  pauses = [];
  now = lookedAt;
});
afterEach(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Takes a look with these options, and writes the set of the fake store. */
async function look(
  options: Partial<HarborSourceOptions> & { readonly isAnonymous?: boolean; readonly signal?: AbortSignal } = {},
): Promise<Produced> {
  const address = new URL(`http://127.0.0.1:${server.port}`);
  const readClock = () => now;
  const connection = openConnection({});
  const pause = async (ms: number, signal: AbortSignal) => {
    pauses.push(ms);
    signal.throwIfAborted();
  };
  const client = new HttpClient({ connection, readClock, pause });
  const files = { usernameFile: join(directory, 'username'), passwordFile: join(directory, 'password') };
  const api = new HarborApi({ client, address, credentials: options.isAnonymous ? undefined : files });
  const defaults = { projects: [], criteria: { severities: ['CRITICAL'], fixable: false } as const };
  const source = new HarborSource(api, { ...defaults, address, readClock, ...options });
  try {
    return await produce(source, store, { signal: options.signal ?? new AbortController().signal, readClock });
  } finally {
    await client.close();
  }
}

const entries = () => parseImageSet(store.text ?? '').entries.map(({ image, reason }) => [image, reason]);
const images = () => entries().map(([image]) => image);

/** A fault for the nth request that matches, and for those after it. */
function from(count: number, matches: (request: SeenRequest) => boolean, fault: FakeFault) {
  let seen = 0;
  return (request: SeenRequest) => (matches(request) && ++seen >= count ? fault : undefined);
}
const isArtifacts = ({ path }: SeenRequest) => path.endsWith('/artifacts');

describe('the images of Harbor with vulnerabilities (S10)', () => {
  it('are named by their digests, with the worst finding as the reason', async () => {
    server.put('team-a', 'web', [
      artifact(1, { tags: ['1'], vulnerabilities: [high, unfixed, critical, critical] }),
      artifact(2, { tags: ['2'], vulnerabilities: [high] }),
      clean(3, '3'),
    ]);
    expect(await look()).toMatchObject({ outcome: 'Written', images: 1 });
    expect(entries()).toEqual([[digestOf(1), 'CVE-2026-1 critical and 1 more, by harbor']]);
    await look({ criteria: { severities: ['CRITICAL', 'HIGH'], fixable: false } });
    expect(entries()).toEqual([
      [digestOf(1), 'CVE-2026-1 critical and 2 more, by harbor'],
      [digestOf(2), 'CVE-2026-3 high, by harbor'],
    ]);
  });

  it('count with --fixable only if one of the vulnerabilities that count has a fix', async () => {
    server.put('team-a', 'web', [
      artifact(1, { tags: ['1'], vulnerabilities: [unfixed, high] }),
      artifact(2, { tags: ['2'], vulnerabilities: [unfixed, critical] }),
    ]);
    await look({ criteria: { severities: ['CRITICAL'], fixable: true } });
    expect(entries()).toEqual([[digestOf(2), 'CVE-2026-1 critical, by harbor']]);
  });

  it('are found in repositories with slashes, on all pages, and in all projects or in those that are named', async () => {
    const many = Array.from({ length: 250 }, (_, index) =>
      artifact(index + 1, { tags: [`v${index}`], vulnerabilities: index === 249 ? [critical] : [] }),
    );
    server.put('team-a', 'apps/web/server', many);
    server.put('team-b', 'api', [artifact(900, { tags: ['1'], vulnerabilities: [critical] })]);
    await look();
    expect(images()).toEqual([digestOf(250), digestOf(900)]);
    expect(server.requests.some(({ path }) => path.includes('/repositories/apps%252Fweb%252Fserver/artifacts'))).toBe(
      true,
    );
    await look({ projects: ['team-b'] });
    expect(images()).toEqual([digestOf(900)]);
  });

  it('are named with the images of their index, except those that have a scan of their own', async () => {
    server.put('team-a', 'web', [
      artifact(1, { tags: ['1'], children: [digestOf(2), digestOf(3), digestOf(4)], vulnerabilities: [critical] }),
      artifact(2, { vulnerabilities: [critical] }),
      artifact(3, { vulnerabilities: [] }),
      artifact(4),
    ]);
    await look();
    expect(images()).toEqual([digestOf(1), digestOf(2), digestOf(4)]);
  });

  it('do not include charts, and images without a finished scan; the last line counts these', async () => {
    server.put('team-a', 'web', [
      artifact(1, { tags: ['1'] }),
      artifact(2, { tags: ['2'], scanStatus: 'Error' }),
      artifact(3, { tags: ['3'], scanStatus: 'Running' }),
      artifact(4, { tags: ['4'], type: 'CHART', vulnerabilities: [critical] }),
      clean(5, '5'),
    ]);
    const { note, images: count } = await look();
    expect(count).toBe(0);
    expect(note).toBe('of the 4 in Harbor 1 not scanned, 2 with a scan that has failed or goes on');
  });

  it('stay in the set while Harbor scans them again, because a scan of everything must not empty it (S8)', async () => {
    const scanned = artifact(1, { tags: ['1'], children: [digestOf(2)], vulnerabilities: [critical] });
    server.put('team-a', 'web', [scanned]);
    await look();
    const before = entries();
    expect(before).toHaveLength(2);
    for (const scanStatus of ['Running', 'Error', undefined]) {
      server.put('team-a', 'web', [{ ...scanned, scanStatus }]);
      await look();
      expect(entries()).toEqual(before);
    }
    await look({ criteria: { severities: ['CRITICAL'], fixable: true } });
    expect(entries()).toEqual([]);
  });

  it('leave the set when a newer scan clears them, or when they are deleted', async () => {
    server.put(
      'team-a',
      'web',
      [1, 2, 3].map((number) => artifact(number, { tags: [`${number}`], vulnerabilities: [critical] })),
    );
    await look();
    expect(images()).toHaveLength(3);
    server.put('team-a', 'web', [clean(1, '1'), artifact(2, { tags: ['2'], vulnerabilities: [critical] })]);
    await look();
    expect(images()).toEqual([digestOf(2)]);
  });

  it('have a reason without an ID if the account may not read reports, unless --fixable needs them', async () => {
    server.put('team-a', 'web', [artifact(1, { tags: ['1'], vulnerabilities: [critical, unfixed] })]);
    server.fault = ({ path }) => (path.endsWith('/additions/vulnerabilities') ? { status: 403 } : undefined);
    await look();
    expect(entries()).toEqual([[digestOf(1), '2 critical vulnerabilities, by harbor']]);
    await expect(look({ criteria: { severities: ['CRITICAL'], fixable: true } })).rejects.toThrow('answered 403');
  });
});

describe('a look at Harbor that is not complete writes nothing (S8, S10)', () => {
  const many = Array.from({ length: 850 }, (_, index) =>
    artifact(index + 1, { tags: [`v${index}`], vulnerabilities: [critical] }),
  );

  beforeEach(async () => {
    server.put('team-a', 'web', [artifact(9_999, { tags: ['1'], vulnerabilities: [critical] })]);
    await look();
    server.put('team-a', 'web', many);
    store.writes.length = 0;
    server.requests.length = 0;
  });

  async function expectFailure(message: string | RegExp, options = {}): Promise<void> {
    await expect(look(options)).rejects.toThrow(message);
    expect(store.writes).toEqual([]);
    expect(images()).toEqual([digestOf(9_999)]);
  }

  const isPage7 = (request: SeenRequest) => isArtifacts(request) && request.search.get('page') === '7';

  it.each<[string, FakeFault, RegExp]>([
    ['500', { status: 500 }, /failed 5 times, the last time because the answer was 500/],
    ['429', { status: 429 }, /the answer was 429/],
    [
      '404 of Harbor',
      { status: 404, body: '{"errors":[{"code":"NOT_FOUND","message":"gone"}]}' },
      /answered 404 \(gone\)/,
    ],
    ['404 of a proxy', { status: 404, body: 'default backend - 404' }, /answered 404/],
    [
      '403',
      { status: 403, body: '{"errors":[{"code":"FORBIDDEN","message":"forbidden"}]}' },
      /give the account the rights/,
    ],
    [
      'no JSON',
      { status: 200, headers: { 'x-total-count': '850' }, body: '<html>Sign in</html>' },
      /did not answer in JSON/,
    ],
    [
      'another document',
      { status: 200, headers: { 'x-total-count': '850' }, body: '[{"id": 1}]' },
      /can't be understood: 0.digest/,
    ],
    ['no total', { status: 200, body: '[]' }, /X-Total-Count/],
    ['a cut body', 'truncated', /failed 5 times/],
  ])('page 7 of 9 has the fault: %s', async (_, fault, message) => {
    server.fault = from(1, isPage7, fault);
    await expectFailure(message);
  });

  it('repeats a question after passing faults, and waits as long as Harbor asks for', async () => {
    const faults: FakeFault[] = [{ status: 429, headers: { 'retry-after': '17' } }, { status: 503 }, 'truncated'];
    server.fault = (request) => (isPage7(request) ? faults.shift() : undefined);
    expect(await look()).toMatchObject({ images: 850 });
    expect(pauses).toEqual([17_000, 2_000, 4_000]);
  });

  it('gives up at the deadline, while Harbor is silent', async () => {
    const controller = new AbortController();
    server.fault = (request) => {
      if (!isPage7(request)) return undefined;
      controller.abort(new Error('it took longer than 10m (--timeout)'));
      return 'silent';
    };
    await expectFailure('it took longer than 10m', { signal: controller.signal });
  });

  it.each([
    ['an artifact is pushed', (list: readonly FakeArtifact[]) => [...list, artifact(5_000, { tags: ['new'] })]],
    ['an artifact is deleted', (list: readonly FakeArtifact[]) => list.slice(1)],
    [
      'one is pushed in front of the others and the last is deleted',
      (list: readonly FakeArtifact[]) => [artifact(5_003, { tags: ['front'] }), ...list.slice(0, -1)],
    ],
    [
      'one is deleted and two are pushed',
      (list: readonly FakeArtifact[]) => [...list.slice(1), artifact(5_001), artifact(5_002)],
    ],
  ])('reads a list again if %s while it is read', async (_, change) => {
    let hasChanged = false;
    server.fault = (request) => {
      if (!isPage7(request) || hasChanged) return undefined;
      hasChanged = true;
      server.put('team-a', 'web', change(many));
      return undefined;
    };
    await look();
    expect(
      server.requests.filter((request) => isArtifacts(request) && request.search.get('page') === '1'),
    ).toHaveLength(2);
    const expected = change(many)
      .filter(({ vulnerabilities }) => vulnerabilities)
      .map(({ digest }) => digest);
    expect(new Set(images())).toEqual(new Set(expected));
  });

  it('gives up if a list changes each time', async () => {
    server.fault = (request) => {
      const list = server.projects.get('team-a')?.repositories.web ?? [];
      if (isPage7(request)) server.put('team-a', 'web', list.slice(1));
      return undefined;
    };
    await expectFailure('has changed while it was read, 5 times');
  });

  it.each([
    [
      'another host',
      '<https://other.example.com/api/v2.0/projects?page=2>; rel="next"',
      'names a next page on other.example.com',
    ],
    ['another path', '</api/v2.0/users?page=2>; rel="next"', 'on another path'],
    ['the same page', (page: string) => `<${page}>; rel="next"`, 'as the one after itself'],
  ])('refuses a next page on %s', async (_, link, message) => {
    server.fault = ({ path, search }) => {
      if (!path.endsWith('/repositories')) return undefined;
      const header = typeof link === 'string' ? link : link(`${path}?${search}`);
      return { status: 200, headers: { link: header, 'x-total-count': '101' }, body: '[{"id":1,"name":"team-a/web"}]' };
    };
    await expectFailure(message);
  });

  it('refuses a redirect, and the other host sees no request and no credentials', async () => {
    const other = new HarborServer();
    await other.start();
    server.fault = from(3, isArtifacts, {
      status: 307,
      headers: { location: `http://localhost:${other.port}/api/v2.0/projects` },
    });
    await expectFailure(
      `http://127.0.0.1:${server.port} redirects to http://localhost:${other.port}, which is not followed`,
    );
    expect(other.requests).toEqual([]);
    await other.stop();
  });

  it('refuses credentials that are wrong or expired, although Harbor lists public projects to anybody', async () => {
    server.projects.set('public', { isPublic: true, repositories: {} });
    server.account = { ...server.account, password: 'another' };
    await expectFailure(/does not accept the user name in .*username with the password in .*password/);
    expect(String(await look().catch(String))).not.toContain('first');
  });

  it('refuses an account that does not see a project of the last look any more', async () => {
    server.put('team-b', 'api', [clean(1, '1')]);
    server.visible = ['team-b'];
    await expectFailure('project team-a exists, but the account does not see it');
    await expectFailure('project team-a exists, but the account does not see it', { projects: ['team-a'] });
  });

  it('refuses a project that there has never been', async () => {
    await expectFailure('there is no project team-x, team-y: correct or remove its --project', {
      projects: ['team-x', 'team-a', 'team-y'],
    });
  });

  it('does not take the answer of a proxy for the deletion of a project', async () => {
    server.put('team-b', 'api', [clean(1, '1')]);
    server.visible = ['team-b'];
    const asks = ({ method, search }: SeenRequest) => method === 'HEAD' && search.get('project_name') === 'team-a';
    server.fault = (request) => (asks(request) ? { status: 502 } : undefined);
    await expectFailure('the answer was 502');
  });

  it('refuses a file of the account that is missing or empty, and shows nothing of it', async () => {
    await writeFile(join(directory, 'password'), '\n');
    await expectFailure(/password is empty/);
    await rm(join(directory, 'password'));
    await expectFailure(/password is missing: create the Secret/);
  });
});

describe('the account of Harbor (S10)', () => {
  beforeEach(() => server.put('team-a', 'web', [artifact(1, { tags: ['1'], vulnerabilities: [critical] })]));

  it('is read again from its files when Harbor does not accept it any more', async () => {
    server.fault = rotateOnce();
    expect(await look()).toMatchObject({ images: 1 });
  });

  it('is not needed for public projects', async () => {
    server.projects.set('open', {
      isPublic: true,
      repositories: { web: [artifact(2, { tags: ['1'], vulnerabilities: [critical] })] },
    });
    await look({ isAnonymous: true });
    expect(images()).toEqual([digestOf(2)]);
    expect(server.requests.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  });

  it('is checked again after the projects were listed, because an expired one sees the public ones alone', async () => {
    server.projects.set('open', { isPublic: true, repositories: {} });
    let isExpired = false;
    server.fault = ({ method, path }) => {
      if (method === 'GET' && path.endsWith('/projects') && !isExpired) {
        isExpired = true;
        server.account = { ...server.account, password: 'second' };
        writeFileSync(join(directory, 'password'), 'second');
      }
      return undefined;
    };
    expect(await look()).toMatchObject({ images: 1 });
    expect(server.requests.filter(({ method, path }) => method === 'GET' && path.endsWith('/projects'))).toHaveLength(
      2,
    );
  });

  function rotateOnce() {
    let isRotated = false;
    return ({ path }: SeenRequest) => {
      if (!path.endsWith('/repositories') || isRotated) return undefined;
      isRotated = true;
      server.account = { ...server.account, password: 'second' };
      writeFileSync(join(directory, 'password'), 'second');
      return undefined;
    };
  }
});

describe('images that Harbor no longer has, with --gone (S10)', () => {
  const gone = { maxPercent: 20, keepMs: 30 * 86_400_000 };
  const options = { criteria: undefined, gone };
  const base = Array.from({ length: 10 }, (_, index) => clean(index + 1, `v${index + 1}`));
  const later = (days: number) => {
    now = new Date(lookedAt.getTime() + days * 86_400_000);
  };
  const named = (number: number, repository = 'team-a/web') => `harbor.example.com/${repository}@${digestOf(number)}`;

  beforeEach(async () => {
    server.put('team-a', 'web', base);
    await look(options);
    expect(images()).toEqual([]);
  });

  it('are those that were there at the last look, and stay in the set until they are back', async () => {
    server.put('team-a', 'web', base.slice(1));
    await look(options);
    expect(entries()).toEqual([[named(1), 'deleted, seen on 2026-03-01, by harbor']]);
    later(5);
    await look(options);
    expect(entries()).toEqual([[named(1), 'deleted, seen on 2026-03-01, by harbor']]);
    server.put('team-a', 'web', base);
    await look(options);
    expect(images()).toEqual([]);
  });

  it('leave the set when they expire', async () => {
    server.put('team-a', 'web', base.slice(1));
    await look(options);
    later(30);
    await look(options);
    expect(images()).toEqual([named(1)]);
    later(32);
    await look(options);
    expect(images()).toEqual([]);
  });

  it('include the images of a deleted index', async () => {
    server.put('team-a', 'web', [...base, artifact(50, { tags: ['multi'], children: [digestOf(51)] })]);
    await look(options);
    server.put('team-a', 'web', base);
    await look(options);
    expect(images()).toEqual([named(50), named(51)]);
  });

  it('do not include one that is in another repository', async () => {
    server.put('team-b', 'copy', [clean(1, 'copy')]);
    await look(options);
    server.put('team-a', 'web', base.slice(1));
    await look(options);
    expect(images()).toEqual([]);
  });

  it('include one that its tag has left, if no tag and no index names it', async () => {
    server.put('team-a', 'web', [
      artifact(1),
      artifact(2),
      artifact(3, { tags: ['kept'] }),
      ...base.slice(3),
      clean(11, 'v1', 'v3'),
      artifact(12, { tags: ['v2'], children: [digestOf(2)] }),
    ]);
    await look(options);
    expect(entries()).toEqual([[named(1), 'tag v1 has moved, seen on 2026-03-01, by harbor']]);
    server.put('team-a', 'web', [artifact(1, { tags: ['again'] }), ...base.slice(1), clean(11, 'v1'), clean(12, 'x')]);
    await look(options);
    expect(images()).toEqual([]);
  });

  it('do not include one whose tag was deleted', async () => {
    server.put('team-a', 'web', [artifact(1), ...base.slice(1)]);
    await look(options);
    expect(images()).toEqual([]);
  });

  it('do not include those of a proxy cache, which Harbor fetches again', async () => {
    server.projects.set('hub', { registryId: 1, repositories: { 'library/nginx': [clean(60, '1')] } });
    await look(options);
    server.projects.set('hub', { registryId: 1, repositories: {} });
    await look(options);
    expect(images()).toEqual([]);
  });

  it('do not include one that a list has missed: Harbor is asked for each', async () => {
    server.fault = (request) => {
      if (!isArtifacts(request)) return undefined;
      // A deletion before and a push behind shift the pages, and the number stays the same.
      server.fault = () => undefined;
      const shown = [...base.slice(1), clean(11, 'v11')];
      server.put('team-a', 'web', shown);
      queueMicrotask(() => server.put('team-a', 'web', base));
      return undefined;
    };
    await look(options);
    expect(images()).toEqual([]);
    expect(server.requests.some(({ path }) => path.endsWith(`/artifacts/${digestOf(1)}`))).toBe(true);
  });

  it('are not written if there are more of them than --max-gone-percent, as after a restored backup (S8)', async () => {
    server.put('team-a', 'web', base.slice(3));
    const { text } = store;
    await expect(look(options)).rejects.toThrow(
      'Harbor no longer has 3 of the 10 images of the last look (30 %), and --max-gone-percent is 20',
    );
    expect(store.text).toBe(text);
    await look({ ...options, gone: { ...gone, maxPercent: 31 } });
    expect(images()).toHaveLength(3);
  });

  it('include those of a project only if Harbor says that the project is deleted', async () => {
    server.put('team-b', 'api', [clean(20, '1'), clean(21, '2')]);
    await look(options);
    server.visible = ['team-a'];
    await expect(look(options)).rejects.toThrow('project team-b exists, but the account does not see it');
    server.visible = undefined;
    server.projects.delete('team-b');
    await look(options);
    expect(images()).toEqual([named(20, 'team-b/api'), named(21, 'team-b/api')]);
    await look(options);
    expect(images()).toHaveLength(2);
  });

  it('do not include those of a project that is not asked for any more', async () => {
    server.put('team-b', 'api', [clean(20, '1')]);
    await look(options);
    await look({ ...options, projects: ['team-b'] });
    expect(images()).toEqual([]);
  });

  it('are named after the registry that is given', async () => {
    server.put('team-a', 'web', base.slice(1));
    await look({ ...options, registry: 'images.example.com:8443' });
    expect(images()).toEqual([`images.example.com:8443/team-a/web@${digestOf(1)}`]);
  });

  it('are the same after a crash between the set and the memory', async () => {
    server.put('team-a', 'web', [artifact(2), ...base.slice(2), clean(11, 'v2')]);
    store.beforeWrite = (part) => {
      if (part === 'memory') throw new Error('killed');
    };
    await expect(look(options)).rejects.toThrow('killed');
    const { text } = store;
    expect(images()).toEqual([named(1), named(2)]);
    store.beforeWrite = () => {};
    await look(options);
    expect(store.text).toBe(text);
    await look(options);
    expect(store.text).toBe(text);
  });

  it('are refused if the memory is damaged', async () => {
    store.memory = gzipSync('{"version": 2}');
    await expect(look(options)).rejects.toThrow('remove the binaryData of the ConfigMap with the memory');
  });
});
