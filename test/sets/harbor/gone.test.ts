import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { artifact, clean, digestOf, isArtifacts, lookedAt, useHarbor } from '../../helpers/harbor-producer.ts';

const harbor = useHarbor();

describe('images that Harbor no longer has, with --gone (S10)', () => {
  const gone = { maxPercent: 20, keepMs: 30 * 86_400_000 };
  const options = { criteria: undefined, gone };
  const base = Array.from({ length: 10 }, (_, index) => clean(index + 1, `v${index + 1}`));
  const later = (days: number) => {
    harbor.now = new Date(lookedAt.getTime() + days * 86_400_000);
  };
  const named = (number: number, repository = 'team-a/web') => `harbor.example.com/${repository}@${digestOf(number)}`;

  beforeEach(async () => {
    harbor.server.put('team-a', 'web', base);
    await harbor.look(options);
    expect(harbor.images()).toEqual([]);
  });

  it('are those that were there at the last look, and stay in the set until they are back', async () => {
    harbor.server.put('team-a', 'web', base.slice(1));
    await harbor.look(options);
    expect(harbor.entries()).toEqual([[named(1), 'deleted, seen on 2026-03-01, by harbor']]);
    later(5);
    await harbor.look(options);
    expect(harbor.entries()).toEqual([[named(1), 'deleted, seen on 2026-03-01, by harbor']]);
    harbor.server.put('team-a', 'web', base);
    await harbor.look(options);
    expect(harbor.images()).toEqual([]);
  });

  it('leave the set when they expire', async () => {
    harbor.server.put('team-a', 'web', base.slice(1));
    await harbor.look(options);
    later(30);
    await harbor.look(options);
    expect(harbor.images()).toEqual([named(1)]);
    later(32);
    await harbor.look(options);
    expect(harbor.images()).toEqual([]);
  });

  it('include the images of a deleted index', async () => {
    harbor.server.put('team-a', 'web', [...base, artifact(50, { tags: ['multi'], children: [digestOf(51)] })]);
    await harbor.look(options);
    harbor.server.put('team-a', 'web', base);
    await harbor.look(options);
    expect(harbor.images()).toEqual([named(50), named(51)]);
  });

  it('do not include one that is in another repository', async () => {
    harbor.server.put('team-b', 'copy', [clean(1, 'copy')]);
    await harbor.look(options);
    harbor.server.put('team-a', 'web', base.slice(1));
    await harbor.look(options);
    expect(harbor.images()).toEqual([]);
  });

  it('include one that its tag has left, if no tag and no index names it', async () => {
    harbor.server.put('team-a', 'web', [
      artifact(1),
      artifact(2),
      artifact(3, { tags: ['kept'] }),
      ...base.slice(3),
      clean(11, 'v1', 'v3'),
      artifact(12, { tags: ['v2'], children: [digestOf(2)] }),
    ]);
    await harbor.look(options);
    expect(harbor.entries()).toEqual([[named(1), 'tag v1 has moved, seen on 2026-03-01, by harbor']]);
    harbor.server.put('team-a', 'web', [
      artifact(1, { tags: ['again'] }),
      ...base.slice(1),
      clean(11, 'v1'),
      clean(12, 'x'),
    ]);
    await harbor.look(options);
    expect(harbor.images()).toEqual([]);
  });

  it('do not include one whose tag was deleted', async () => {
    harbor.server.put('team-a', 'web', [artifact(1), ...base.slice(1)]);
    await harbor.look(options);
    expect(harbor.images()).toEqual([]);
  });

  it('do not include those of a proxy cache, which Harbor fetches again', async () => {
    harbor.server.projects.set('hub', { registryId: 1, repositories: { 'library/nginx': [clean(60, '1')] } });
    await harbor.look(options);
    harbor.server.projects.set('hub', { registryId: 1, repositories: {} });
    await harbor.look(options);
    expect(harbor.images()).toEqual([]);
  });

  it('do not include one that a list has missed: Harbor is asked for each', async () => {
    harbor.server.fault = (request) => {
      if (!isArtifacts(request)) return undefined;
      // A deletion before and a push behind shift the pages, and the number stays the same.
      harbor.server.fault = () => undefined;
      const shown = [...base.slice(1), clean(11, 'v11')];
      harbor.server.put('team-a', 'web', shown);
      queueMicrotask(() => harbor.server.put('team-a', 'web', base));
      return undefined;
    };
    await harbor.look(options);
    expect(harbor.images()).toEqual([]);
    expect(harbor.server.requests.some(({ path }) => path.endsWith(`/artifacts/${digestOf(1)}`))).toBe(true);
  });

  it('are not written if there are more of them than --max-gone-percent, as after a restored backup (S8)', async () => {
    harbor.server.put('team-a', 'web', base.slice(3));
    const { text } = harbor.store;
    await expect(harbor.look(options)).rejects.toThrow(
      'Harbor no longer has 3 of the 10 images of the last look (30 %), and --max-gone-percent is 20',
    );
    expect(harbor.store.text).toBe(text);
    await harbor.look({ ...options, gone: { ...gone, maxPercent: 31 } });
    expect(harbor.images()).toHaveLength(3);
  });

  it('include those of a project only if Harbor says that the project is deleted', async () => {
    harbor.server.put('team-b', 'api', [clean(20, '1'), clean(21, '2')]);
    await harbor.look(options);
    harbor.server.visible = ['team-a'];
    await expect(harbor.look(options)).rejects.toThrow('project team-b exists, but the account does not see it');
    harbor.server.visible = undefined;
    harbor.server.projects.delete('team-b');
    await harbor.look(options);
    expect(harbor.images()).toEqual([named(20, 'team-b/api'), named(21, 'team-b/api')]);
    await harbor.look(options);
    expect(harbor.images()).toHaveLength(2);
  });

  it('do not include those of a project that is not asked for any more', async () => {
    harbor.server.put('team-b', 'api', [clean(20, '1')]);
    await harbor.look(options);
    await harbor.look({ ...options, projects: ['team-b'] });
    expect(harbor.images()).toEqual([]);
  });

  it('are named after the registry that is given', async () => {
    harbor.server.put('team-a', 'web', base.slice(1));
    await harbor.look({ ...options, registry: 'images.example.com:8443' });
    expect(harbor.images()).toEqual([`images.example.com:8443/team-a/web@${digestOf(1)}`]);
  });

  it('are the same after a crash between the set and the memory', async () => {
    harbor.server.put('team-a', 'web', [artifact(2), ...base.slice(2), clean(11, 'v2')]);
    harbor.store.beforeWrite = (part) => {
      if (part === 'memory') throw new Error('killed');
    };
    await expect(harbor.look(options)).rejects.toThrow('killed');
    const { text } = harbor.store;
    expect(harbor.images()).toEqual([named(1), named(2)]);
    harbor.store.beforeWrite = () => {};
    await harbor.look(options);
    expect(harbor.store.text).toBe(text);
    await harbor.look(options);
    expect(harbor.store.text).toBe(text);
  });

  it('are refused if the memory is damaged', async () => {
    harbor.store.memory = gzipSync('{"version": 2}');
    await expect(harbor.look(options)).rejects.toThrow("the memory of the last look can't be read: empty the memory");
  });
});
