import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { artifact, clean, digestOf, HarborProducer, isArtifacts, lookedAt } from '../../helpers/harbor-producer.ts';
import type { HarborServer } from '../../helpers/harbor-server.ts';

let producer: HarborProducer;
let server: HarborServer;

beforeEach(async () => {
  producer = await HarborProducer.start();
  ({ server } = producer);
});
afterEach(() => producer.stop());

describe('images that Harbor no longer has, with --gone (S10)', () => {
  const gone = { maxPercent: 20, keepMs: 30 * 86_400_000 };
  const options = { criteria: undefined, gone };
  const base = Array.from({ length: 10 }, (_, index) => clean(index + 1, `v${index + 1}`));
  const later = (days: number) => {
    producer.now = new Date(lookedAt.getTime() + days * 86_400_000);
  };
  const named = (number: number, repository = 'team-a/web') => `harbor.example.com/${repository}@${digestOf(number)}`;

  beforeEach(async () => {
    server.put('team-a', 'web', base);
    await producer.look(options);
    expect(producer.images()).toEqual([]);
  });

  it('are those that were there at the last look, and stay in the set until they are back', async () => {
    server.put('team-a', 'web', base.slice(1));
    await producer.look(options);
    expect(producer.entries()).toEqual([[named(1), 'deleted, seen on 2026-03-01, by harbor']]);
    later(5);
    await producer.look(options);
    expect(producer.entries()).toEqual([[named(1), 'deleted, seen on 2026-03-01, by harbor']]);
    server.put('team-a', 'web', base);
    await producer.look(options);
    expect(producer.images()).toEqual([]);
  });

  it('leave the set when they expire', async () => {
    server.put('team-a', 'web', base.slice(1));
    await producer.look(options);
    later(30);
    await producer.look(options);
    expect(producer.images()).toEqual([named(1)]);
    later(32);
    await producer.look(options);
    expect(producer.images()).toEqual([]);
  });

  it('include the images of a deleted index', async () => {
    server.put('team-a', 'web', [...base, artifact(50, { tags: ['multi'], children: [digestOf(51)] })]);
    await producer.look(options);
    server.put('team-a', 'web', base);
    await producer.look(options);
    expect(producer.images()).toEqual([named(50), named(51)]);
  });

  it('do not include one that is in another repository', async () => {
    server.put('team-b', 'copy', [clean(1, 'copy')]);
    await producer.look(options);
    server.put('team-a', 'web', base.slice(1));
    await producer.look(options);
    expect(producer.images()).toEqual([]);
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
    await producer.look(options);
    expect(producer.entries()).toEqual([[named(1), 'tag v1 has moved, seen on 2026-03-01, by harbor']]);
    server.put('team-a', 'web', [artifact(1, { tags: ['again'] }), ...base.slice(1), clean(11, 'v1'), clean(12, 'x')]);
    await producer.look(options);
    expect(producer.images()).toEqual([]);
  });

  it('do not include one whose tag was deleted', async () => {
    server.put('team-a', 'web', [artifact(1), ...base.slice(1)]);
    await producer.look(options);
    expect(producer.images()).toEqual([]);
  });

  it('do not include those of a proxy cache, which Harbor fetches again', async () => {
    server.projects.set('hub', { registryId: 1, repositories: { 'library/nginx': [clean(60, '1')] } });
    await producer.look(options);
    server.projects.set('hub', { registryId: 1, repositories: {} });
    await producer.look(options);
    expect(producer.images()).toEqual([]);
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
    await producer.look(options);
    expect(producer.images()).toEqual([]);
    expect(server.requests.some(({ path }) => path.endsWith(`/artifacts/${digestOf(1)}`))).toBe(true);
  });

  it('are not written if there are more of them than --max-gone-percent, as after a restored backup (S8)', async () => {
    server.put('team-a', 'web', base.slice(3));
    const { text } = producer.store;
    await expect(producer.look(options)).rejects.toThrow(
      'Harbor no longer has 3 of the 10 images of the last look (30 %), and --max-gone-percent is 20',
    );
    expect(producer.store.text).toBe(text);
    await producer.look({ ...options, gone: { ...gone, maxPercent: 31 } });
    expect(producer.images()).toHaveLength(3);
  });

  it('include those of a project only if Harbor says that the project is deleted', async () => {
    server.put('team-b', 'api', [clean(20, '1'), clean(21, '2')]);
    await producer.look(options);
    server.visible = ['team-a'];
    await expect(producer.look(options)).rejects.toThrow('project team-b exists, but the account does not see it');
    server.visible = undefined;
    server.projects.delete('team-b');
    await producer.look(options);
    expect(producer.images()).toEqual([named(20, 'team-b/api'), named(21, 'team-b/api')]);
    await producer.look(options);
    expect(producer.images()).toHaveLength(2);
  });

  it('do not include those of a project that is not asked for any more', async () => {
    server.put('team-b', 'api', [clean(20, '1')]);
    await producer.look(options);
    await producer.look({ ...options, projects: ['team-b'] });
    expect(producer.images()).toEqual([]);
  });

  it('are named after the registry that is given', async () => {
    server.put('team-a', 'web', base.slice(1));
    await producer.look({ ...options, registry: 'images.example.com:8443' });
    expect(producer.images()).toEqual([`images.example.com:8443/team-a/web@${digestOf(1)}`]);
  });

  it('are the same after a crash between the set and the memory', async () => {
    server.put('team-a', 'web', [artifact(2), ...base.slice(2), clean(11, 'v2')]);
    producer.store.beforeWrite = (part) => {
      if (part === 'memory') throw new Error('killed');
    };
    await expect(producer.look(options)).rejects.toThrow('killed');
    const { text } = producer.store;
    expect(producer.images()).toEqual([named(1), named(2)]);
    producer.store.beforeWrite = () => {};
    await producer.look(options);
    expect(producer.store.text).toBe(text);
    await producer.look(options);
    expect(producer.store.text).toBe(text);
  });

  it('are refused if the memory is damaged', async () => {
    producer.store.memory = gzipSync('{"version": 2}');
    await expect(producer.look(options)).rejects.toThrow('remove the binaryData of the ConfigMap with the memory');
  });
});
