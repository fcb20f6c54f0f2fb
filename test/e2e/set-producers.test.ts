import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readNetwork } from '../cluster/network.ts';
import { waitFor } from '../cluster/wait.ts';
import { SourceServer } from '../helpers/source-server.ts';
import { namespace } from './objects.ts';
import { type SetConfigMap, useSetProducer } from './set-producer.ts';
import { e2eDirectory } from './setup.ts';

const set = 'downloaded';

let server: SourceServer;
const producer = useSetProducer('url');
const kubectl = (...args: readonly string[]) => producer().kubectl(...args);
const readSet = (name = set) => producer().readSet(name);
const imagesOf = (name = set) => producer().readLines(name);

beforeAll(async () => {
  server = await new SourceServer().start();
});
afterAll(async () => {
  await server?.stop();
  const kinds = 'configmap,secret,job';
  await kubectl('delete', '-n', namespace, kinds, '-l', 'nodesweep.test/producers', '--ignore-not-found');
});

/** Runs the producer with the rights of its service account, or with those of the tests. */
const produce = (rights: 'own' | 'all', path: string, name = set) =>
  producer().run(rights, server.url(path), '--name', name);

describe('a producer with the rights of its overlay, on a real API server,', () => {
  it('fills its set, replaces it, and writes only the time if nothing has changed (S8)', async () => {
    server.answer('/list.txt', 'acme/web:1\n', 'acme/web:1\nacme/api:2 # frozen\n');
    expect(await produce('own', '/list.txt')).toMatchObject({ exitCode: 0, line: { outcome: 'Written', images: 1 } });
    expect(await imagesOf()).toEqual(['acme/web:1']);
    expect(await produce('own', '/list.txt')).toMatchObject({ exitCode: 0, line: { outcome: 'Written', added: 1 } });
    expect(await imagesOf()).toEqual(['acme/api:2 # frozen', 'acme/web:1']);
    const before = await readSet();
    expect(await produce('own', '/list.txt')).toMatchObject({ exitCode: 0, line: { outcome: 'Unchanged' } });
    const after = await readSet();
    const timeOf = ({ metadata }: SetConfigMap) => Date.parse(metadata.annotations['nodesweep.io/updated-at'] ?? '');
    expect(after.data).toEqual(before.data);
    expect(timeOf(after)).toBeGreaterThan(timeOf(before));
  });

  it('keeps its set if the source fails, and if the manifests are applied again (S8)', async () => {
    server.answer('/list.txt', 'acme/web:1\n');
    await produce('own', '/list.txt');
    const { metadata } = await readSet();
    server.answer('/list.txt', '<html>');
    expect(await produce('own', '/list.txt')).toMatchObject({ exitCode: 1, line: { reason: 'SourceError' } });
    await producer().apply();
    expect(await readSet()).toMatchObject({ metadata: { annotations: metadata.annotations } });
    expect(await imagesOf()).toEqual(['acme/web:1']);
  });

  it('looks again if somebody else writes the set during its look (S8)', async () => {
    const asked = server.asked.length;
    server.answer(
      '/list.txt',
      (response) => {
        const patch = '{"metadata":{"annotations":{"example.com/note":"mine"}},"data":{"url.txt":"acme/other:9\\n"}}';
        void kubectl('patch', '-n', namespace, 'configmap', set, '--patch', patch).finally(() => {
          response.writeHead(200, { 'content-length': 11 }).end('acme/web:7\n');
        });
      },
      'acme/web:8\n',
    );
    expect(await produce('own', '/list.txt')).toMatchObject({ exitCode: 0, line: { added: 1, removed: 1 } });
    expect(server.asked.length - asked).toBe(2);
    expect(await imagesOf()).toEqual(['acme/web:8']);
    expect((await readSet()).metadata.annotations['example.com/note']).toBe('mine');
  });

  it('can do nothing else: no other ConfigMap, no Secret, no policy (S8)', async () => {
    await producer().installation.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'foreign', namespace, labels: { 'nodesweep.test/producers': 'true' } },
      data: { 'app.conf': 'a' },
    });
    server.answer('/list.txt', 'acme/web:1\n');
    const refused = await produce('own', '/list.txt', 'foreign');
    expect(refused).toMatchObject({ exitCode: 2, line: { reason: 'ClusterError' } });
    expect(refused.line.msg).toContain('name ConfigMap foreign in the Role of the producer');
    const can = (...question: readonly string[]) => producer().can(...question, '-n', namespace);
    expect(await can('update', `configmap/${set}`)).toBe('yes');
    for (const question of [
      ['create', 'configmaps'],
      ['list', 'configmaps'],
      ['get', 'configmap/foreign'],
      ['delete', `configmap/${set}`],
      ['patch', `configmap/${set}`],
      ['get', 'secrets'],
      ['create', 'pods'],
      ['get', 'nodes'],
    ])
      expect([question, await can(...question)]).toEqual([question, 'no']);
  });

  it('can not make a policy of its set (S8)', async () => {
    const { metadata, ...map } = await readSet();
    const file = join(producer().directory, 'policy.json');
    const policy = { ...map, metadata: { ...metadata, labels: { ...metadata.labels, 'nodesweep.io/kind': 'policy' } } };
    await writeFile(file, JSON.stringify(policy));
    const replacing = () => kubectl('replace', '-f', file, `--as=${producer().account}`);
    // The API server takes a moment to obey a new admission policy.
    await waitFor('the guard', 60_000, async () => {
      const message = await replacing().then(() => 'replaced', String);
      if (message !== 'replaced') return message.includes('may not change the label nodesweep.io/kind') || undefined;
      await kubectl('label', '-n', namespace, 'configmap', set, 'nodesweep.io/kind=image-set', '--overwrite');
      return undefined;
    });
    expect((await readSet()).metadata.labels['nodesweep.io/kind']).toBe('image-set');
  });
});

describe('a producer on a real API server', () => {
  it('creates a set, and refuses a ConfigMap that is something else (S8)', async () => {
    server.answer('/list.txt', 'acme/web:1\n');
    expect(await produce('all', '/list.txt', 'created')).toMatchObject({ exitCode: 0, line: { outcome: 'Written' } });
    expect((await readSet('created')).metadata.labels).toMatchObject({ 'nodesweep.io/kind': 'image-set' });
    await kubectl('label', '-n', namespace, 'configmap', 'created', 'nodesweep.test/producers=true');
    const refused = await produce('all', '/list.txt', 'foreign');
    expect(refused).toMatchObject({ exitCode: 2, line: { reason: 'ForeignObjectError' } });
    expect((await readSet('foreign')).data).toEqual({ 'app.conf': 'a' });
  });
});

describe.skipIf(process.env.KUBECONFIG !== undefined)('the job of the overlay', () => {
  it('fills its set from an address, with a token that is mounted as a file (S11)', async () => {
    const { name } = producer();
    const { address = '' } = (await readNetwork(e2eDirectory)) ?? {};
    const lists = await new SourceServer().start(address);
    lists.answer('/list.txt', 'acme/from-a-pod:1\n');
    const labels = { 'nodesweep.test/producers': 'true' };
    await producer().installation.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace, labels },
      stringData: { token: 'of-the-secret' },
    });
    const options = ['--name=downloaded', '--allow-http', '--token-file=/etc/nodesweep/source/token'];
    const path = '/spec/jobTemplate/spec/template/spec/containers/0/args';
    const value = ['set', 'url', lists.url('/list.txt', address), ...options];
    const patch = JSON.stringify([{ op: 'replace', path, value }]);
    await kubectl('patch', '-n', namespace, 'cronjob', name, '--type=json', '--patch', patch);
    try {
      await kubectl('create', 'job', '-n', namespace, 'set-now', `--from=cronjob/${name}`);
      await kubectl('label', 'job', '-n', namespace, 'set-now', 'nodesweep.test/producers=true');
      await kubectl('wait', '-n', namespace, '--for=condition=Complete', '--timeout=120s', 'job/set-now');
      expect(await imagesOf()).toEqual(['acme/from-a-pod:1']);
      expect(lists.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer of-the-secret']);
      expect(await kubectl('logs', '-n', namespace, 'job/set-now')).toContain('"outcome":"Written"');
    } finally {
      await lists.stop();
    }
  });
});
