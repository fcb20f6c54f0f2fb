import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { artifact, clean, critical, digestOf, isArtifacts, useHarbor } from '../../helpers/harbor-producer.ts';
import { type FakeArtifact, type FakeFault, HarborServer, type SeenRequest } from '../../helpers/harbor-server.ts';

const harbor = useHarbor();

/** A fault for the nth request that matches, and for those after it. */
function from(count: number, matches: (request: SeenRequest) => boolean, fault: FakeFault) {
  let seen = 0;
  return (request: SeenRequest) => (matches(request) && ++seen >= count ? fault : undefined);
}

describe('a look at Harbor that is not complete writes nothing (S8, S10)', () => {
  const many = Array.from({ length: 850 }, (_, index) =>
    artifact(index + 1, { tags: [`v${index}`], vulnerabilities: [critical] }),
  );

  beforeEach(async () => {
    harbor.server.put('team-a', 'web', [artifact(9_999, { tags: ['1'], vulnerabilities: [critical] })]);
    await harbor.look();
    harbor.server.put('team-a', 'web', many);
    harbor.store.writes.length = 0;
    harbor.server.requests.length = 0;
  });

  async function expectFailure(message: string | RegExp, options = {}): Promise<void> {
    await expect(harbor.look(options)).rejects.toThrow(message);
    expect(harbor.store.writes).toEqual([]);
    expect(harbor.images()).toEqual([digestOf(9_999)]);
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
    harbor.server.fault = from(1, isPage7, fault);
    await expectFailure(message);
  });

  it('repeats a question after passing faults, and waits as long as Harbor asks for', async () => {
    const faults: FakeFault[] = [{ status: 429, headers: { 'retry-after': '17' } }, { status: 503 }, 'truncated'];
    harbor.server.fault = (request) => (isPage7(request) ? faults.shift() : undefined);
    expect(await harbor.look()).toMatchObject({ images: 850 });
    expect(harbor.pauses).toEqual([17_000, 2_000, 4_000]);
  });

  it('gives up at the deadline, while Harbor is silent', async () => {
    const controller = new AbortController();
    harbor.server.fault = (request) => {
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
    harbor.server.fault = (request) => {
      if (!isPage7(request) || hasChanged) return undefined;
      hasChanged = true;
      harbor.server.put('team-a', 'web', change(many));
      return undefined;
    };
    await harbor.look();
    expect(
      harbor.server.requests.filter((request) => isArtifacts(request) && request.search.get('page') === '1'),
    ).toHaveLength(2);
    const expected = change(many)
      .filter(({ vulnerabilities }) => vulnerabilities)
      .map(({ digest }) => digest);
    expect(new Set(harbor.images())).toEqual(new Set(expected));
  });

  it('gives up if a list changes each time', async () => {
    harbor.server.fault = (request) => {
      const list = harbor.server.projects.get('team-a')?.repositories.web ?? [];
      if (isPage7(request)) harbor.server.put('team-a', 'web', list.slice(1));
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
    harbor.server.fault = ({ path, search }) => {
      if (!path.endsWith('/repositories')) return undefined;
      const header = typeof link === 'string' ? link : link(`${path}?${search}`);
      return { status: 200, headers: { link: header, 'x-total-count': '101' }, body: '[{"id":1,"name":"team-a/web"}]' };
    };
    await expectFailure(message);
  });

  it('refuses a redirect, and the other host sees no request and no credentials', async () => {
    const other = new HarborServer();
    await other.start();
    harbor.server.fault = from(3, isArtifacts, {
      status: 307,
      headers: { location: `http://localhost:${other.port}/api/v2.0/projects` },
    });
    await expectFailure(
      `http://127.0.0.1:${harbor.server.port} redirects to http://localhost:${other.port}, which is not followed`,
    );
    expect(other.requests).toEqual([]);
    await other.stop();
  });

  it('refuses credentials that are wrong or expired, although Harbor lists public projects to anybody', async () => {
    harbor.server.projects.set('public', { isPublic: true, repositories: {} });
    harbor.server.account = { ...harbor.server.account, password: 'another' };
    await expectFailure(/does not accept the user name in .*username with the password in .*password/);
    expect(String(await harbor.look().catch(String))).not.toContain('first');
  });

  it('refuses an account that does not see a project of the last look any more', async () => {
    harbor.server.put('team-b', 'api', [clean(1, '1')]);
    harbor.server.visible = ['team-b'];
    await expectFailure('project team-a exists, but the account does not see it');
    await expectFailure('project team-a exists, but the account does not see it', { projects: ['team-a'] });
  });

  it('refuses a project that there has never been', async () => {
    await expectFailure('there is no project team-x, team-y: correct or remove its --project', {
      projects: ['team-x', 'team-a', 'team-y'],
    });
  });

  it('does not take the answer of a proxy for the deletion of a project', async () => {
    harbor.server.put('team-b', 'api', [clean(1, '1')]);
    harbor.server.visible = ['team-b'];
    const asks = ({ method, search }: SeenRequest) => method === 'HEAD' && search.get('project_name') === 'team-a';
    harbor.server.fault = (request) => (asks(request) ? { status: 502 } : undefined);
    await expectFailure('the answer was 502');
  });

  it('refuses a file of the account that is missing or empty, and shows nothing of it', async () => {
    await writeFile(join(harbor.directory, 'password'), '\n');
    await expectFailure(/password is empty/);
    await rm(join(harbor.directory, 'password'));
    await expectFailure(/password is missing: create the Secret/);
  });
});
