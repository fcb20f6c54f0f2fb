import type { KubernetesObject } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KubernetesApi } from '../../../../scheduler/kubernetes/api/api.ts';
import { Collection } from '../../../../scheduler/kubernetes/api/collection.ts';
import { KubernetesTransport } from '../../../../scheduler/kubernetes/api/transport.ts';
import { Watcher } from '../../../../scheduler/kubernetes/api/watch.ts';
import { LoopbackApi } from '../../../helpers/loopback-api.ts';

const path = '/api/v1/nodes';
let server: LoopbackApi;
let watcher: Watcher<KubernetesObject>;
let collection: Collection<KubernetesObject, string>;
let changes: number;
let podWarnings: unknown[];

beforeEach(async () => {
  server = new LoopbackApi();
  await server.start();
  changes = 0;
  podWarnings = [];
  collection = new Collection(
    ({ metadata }) => `${metadata?.name}=${metadata?.labels?.color}`,
    () => {
      changes += 1;
    },
  );
  const transport = new KubernetesTransport(server.config);
  const api = new KubernetesApi({ transport, requestsPerSecond: 1000, watchSilenceMs: 2_000 });
  watcher = new Watcher(api, { resource: 'nodes' }, collection, (error) => podWarnings.push(error));
});
afterEach(async () => {
  watcher.stop();
  await server.stop();
});

const put = (name: string, color: string) => server.put(path, name, { metadata: { labels: { color } } });
const expectValues = (...values: string[]) =>
  vi.waitFor(() => expect(collection.values().toSorted()).toEqual(values), { timeout: 10_000 });
const lists = () => server.count('GET', ({ query }) => !query.has('watch') && !query.has('continue'));
const watches = () => server.asked.filter(({ query }) => query.has('watch'));
const untilWatching = (count = 1) => vi.waitFor(() => expect(watches().length).toBe(count), { timeout: 10_000 });

describe('a watched collection', () => {
  it('is complete when it has started, with any number of pages', async () => {
    for (let index = 0; index < 1_200; index += 1) put(`node-${index}`, 'red');
    await watcher.start();
    expect(collection.values()).toHaveLength(1_200);
    expect(server.count('GET', ({ query }) => query.get('limit') === '500')).toBe(3);
  });

  it('follows what is added, changed and deleted, without another list', async () => {
    put('a', 'red');
    put('b', 'red');
    await watcher.start();
    put('a', 'blue');
    put('c', 'green');
    server.remove(path, 'b');
    await expectValues('a=blue', 'c=green');
    expect(lists()).toBe(1);
  });

  it('requests bookmarks, and a timeout of its own', async () => {
    await watcher.start();
    await untilWatching();
    expect(watches()[0]?.query.get('allowWatchBookmarks')).toBe('true');
    expect(Number(watches()[0]?.query.get('timeoutSeconds'))).toBeGreaterThanOrEqual(300);
  });

  it('continues after it was cut off, and misses no change', async () => {
    put('a', 'red');
    await watcher.start();
    await untilWatching();
    put('a', 'blue');
    await expectValues('a=blue');
    server.cutWatches();
    put('a', 'green');
    put('b', 'red');
    await expectValues('a=green', 'b=red');
    expect(lists()).toBe(1);
    expect(podWarnings).toHaveLength(1);
  });

  it('continues from the bookmark if nothing has changed for long', async () => {
    await watcher.start();
    await untilWatching();
    for (let index = 0; index < 3; index += 1) server.bookmark(path);
    server.forgotten = 103;
    put('a', 'red');
    await expectValues('a=red');
    server.cutWatches();
    await untilWatching(2);
    expect(watches()[1]?.query.get('resourceVersion')).toBe('104');
    expect(lists()).toBe(1);
  });

  it.each([
    ['says so when asked to go on', () => server.cutWatches()],
    ['says so in the middle of a watch', () => server.expire(path)],
  ])('is listed again when the API server has forgotten the version, and %s', async (_title, end) => {
    put('a', 'red');
    put('b', 'red');
    await watcher.start();
    await untilWatching();
    server.fault = ({ query }) => (query.has('watch') ? 'cut' : undefined);
    end();
    server.remove(path, 'a');
    put('c', 'blue');
    server.forgotten = 104;
    put('d', 'blue');
    server.fault = () => undefined;
    await expectValues('b=red', 'c=blue', 'd=blue');
    expect(lists()).toBe(2);
  });

  it('is not requested again before the time that an overloaded API server named (C19)', async () => {
    await watcher.start();
    await untilWatching();
    let refusedAt: number | undefined;
    server.fault = ({ query }) => {
      if (!query.has('watch') || refusedAt !== undefined) return undefined;
      refusedAt = performance.now();
      return { code: 429, retryAfter: 2 };
    };
    server.cutWatches();
    await untilWatching(3);
    expect(performance.now() - (refusedAt ?? 0)).toBeGreaterThanOrEqual(1_990);
  });

  it('starts when it is complete, not when the first page has come', async () => {
    for (let index = 0; index < 600; index += 1) put(`node-${index}`, 'red');
    let refused = 0;
    server.fault = ({ query }) => {
      if (!query.has('continue') || refused >= 1) return undefined;
      refused += 1;
      return { code: 500 };
    };
    await watcher.start();
    expect(refused).toBe(1);
    expect(collection.values()).toHaveLength(600);
    expect(podWarnings.map(String)).toEqual(['ClusterError: could not list nodes: 500: refused: ']);
  });

  it('is current while it is watched, is not current while the API server is away, and comes back by itself', async () => {
    put('a', 'red');
    await watcher.start();
    await vi.waitFor(() => expect(watcher.isCurrent).toBe(true));
    await server.stop();
    await vi.waitFor(() => expect(watcher.isCurrent).toBe(false));
    expect(collection.values()).toEqual(['a=red']);
    await server.start();
    put('a', 'blue');
    await vi.waitFor(() => expect(watcher.isCurrent).toBe(true), { timeout: 5_000 });
    await expectValues('a=blue');
  });

  describe('after the store of the API server was restored from a backup', () => {
    beforeEach(async () => {
      put('same', 'red');
      put('changed', 'red');
      put('deleted', 'red');
      server.backUp();
      put('changed', 'blue');
      server.remove(path, 'deleted');
      put('new', 'red');
      await watcher.start();
      await untilWatching();
      put('changed', 'green');
      await expectValues('changed=green', 'new=red', 'same=red');
    });

    it.each([
      ['its watches are cut off and it has forgotten the version', () => server.expire(path)],
      ['its watches go on, and tell of an older version', () => put('same', 'yellow')],
      ['its watches go on, and tell of an older version by a bookmark alone', () => server.bookmark(path)],
    ])('has the objects of the store: %s (H31)', async (_title, happen) => {
      server.restore();
      happen();
      server.forgotten = 0;
      const same = server.objects.get(`${path}/same`)?.metadata.labels?.color;
      await expectValues('changed=red', 'deleted=red', `same=${same}`);
      server.remove(path, 'deleted');
      await expectValues('changed=red', `same=${same}`);
    });

    it('has the objects of the store: its watches continue, without any event (H31)', async () => {
      server.restore();
      await expectValues('changed=red', 'deleted=red', 'same=red');
    });

    it('has the objects of the store, also if it continued beyond the known versions (H31)', async () => {
      server.restore();
      server.fault = ({ query }) => (query.has('watch') ? 'cut' : undefined);
      server.cutWatches();
      for (let index = 0; index < 20; index += 1) put('same', `shade-${index}`);
      server.forgotten = 120;
      server.fault = () => undefined;
      await expectValues('changed=red', 'deleted=red', 'same=shade-19');
    });
  });

  it('does not trust a connection that received nothing for long', async () => {
    await watcher.start();
    await untilWatching(2);
    expect(podWarnings).toHaveLength(1);
  });
});

describe('the known state of an object', () => {
  it('is its newest version, in any order of arrival', () => {
    const older = put('a', 'red');
    const newer = put('a', 'blue');
    collection.apply(newer);
    collection.apply(older);
    expect(collection.values()).toEqual(['a=blue']);
  });

  it('is that of the new object of the same name, and the end of the old object does not change it', () => {
    const old = put('a', 'red');
    const next = server.put(path, 'a', { metadata: { uid: 'another', labels: { color: 'blue' } } });
    collection.apply(old);
    collection.apply(next);
    collection.remove(old);
    expect(collection.values()).toEqual(['a=blue']);
  });

  it('is reported as a change only if it makes a difference', () => {
    collection.apply(put('a', 'red'));
    collection.apply(put('a', 'red'));
    expect(changes).toBe(1);
  });

  it('stays if it was written after the list in which it is missing', () => {
    collection.apply(put('listed', 'red'));
    collection.apply(put('gone', 'red'));
    const listVersion = 102n;
    collection.apply(put('written', 'red'));
    collection.retain(new Set(['listed']), listVersion);
    expect(collection.values()).toEqual(['listed=red', 'written=red']);
  });
});
