import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KubernetesApi } from '../../../scheduler/kubernetes/api/api.ts';
import { KubernetesTransport } from '../../../scheduler/kubernetes/api/transport.ts';
import { KubernetesSetStore } from '../../../sets/kubernetes/store.ts';
import { produce } from '../../../sets/produce.ts';
import type { SetContent } from '../../../sets/source.ts';
import { LoopbackApi } from '../../helpers/loopback-api.ts';

const maps = '/api/v1/namespaces/nodesweep/configmaps';
const lookedAt = new Date('2026-03-01T10:00:00Z');
const web = { image: 'docker.io/acme/web:1' };
const header = '# Written by nodesweep from the test. Changes by hand are lost.\n';

let server: LoopbackApi;
let api: KubernetesApi;

beforeEach(async () => {
  server = new LoopbackApi();
  await server.start();
  api = new KubernetesApi({ transport: new KubernetesTransport(server.config), requestsPerSecond: 1_000 });
});
afterEach(async () => {
  await api.close();
  await server.stop();
});

function run(content: SetContent, onRead: () => void = () => {}) {
  const store = new KubernetesSetStore(api, { namespace: 'nodesweep', name: 'cve', key: 'file.txt' });
  const read = async () => {
    onRead();
    return content;
  };
  const options = { signal: new AbortController().signal, readClock: () => lookedAt };
  return produce({ description: 'the test', read }, store, options);
}

const objectOf = (name: string) => server.objects.get(`${maps}/${name}`);
const writes = () =>
  server.asked.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`);
const setLabels = { 'nodesweep.io/kind': 'image-set' };

describe('an image set in a cluster', () => {
  it('is created with its label and the time of the look, and its memory after it (S8)', async () => {
    await run({ entries: [web], memory: new TextEncoder().encode('seen') });
    expect(objectOf('cve')).toMatchObject({
      metadata: { labels: setLabels, annotations: { 'nodesweep.io/updated-at': '2026-03-01T10:00:00.000Z' } },
      data: { 'file.txt': `${header}docker.io/acme/web:1\n` },
    });
    expect(objectOf('cve-memory')).toMatchObject({
      metadata: { labels: { 'nodesweep.io/kind': 'image-set-memory' } },
      binaryData: { 'memory.gz': gzipSync('seen', { level: 9 }).toString('base64') },
    });
    expect(writes()).toEqual([`POST ${maps}`, `POST ${maps}`]);
  });

  it('is replaced with what others have added to its metadata', async () => {
    server.put(maps, 'cve', { metadata: { labels: { ...setLabels, team: 'security' }, annotations: { note: 'a' } } });
    await run({ entries: [web] });
    expect(objectOf('cve')).toMatchObject({
      metadata: { labels: { ...setLabels, team: 'security' }, annotations: { note: 'a' } },
      data: { 'file.txt': `${header}docker.io/acme/web:1\n` },
    });
    expect(writes()).toEqual([`PUT ${maps}/cve`]);
  });

  it.each([
    ['creates it', undefined],
    ['replaces it', { metadata: { labels: setLabels }, data: { 'file.txt': 'a/old:1\n' } }],
  ])('is read again if somebody else %s during the look (S8)', async (_, object) => {
    if (object !== undefined) server.put(maps, 'cve', object);
    let others = 1;
    const produced = await run({ entries: [web] }, () => {
      others -= 1;
      if (others >= 0) server.put(maps, 'cve', { metadata: { labels: setLabels }, data: { 'file.txt': 'a/b:1\n' } });
    });
    expect(produced).toMatchObject({ outcome: 'Written', added: 1, removed: 1 });
    expect(objectOf('cve')).toMatchObject({ data: { 'file.txt': `${header}docker.io/acme/web:1\n` } });
  });

  it('is created again if somebody deletes it during the look', async () => {
    server.put(maps, 'cve', { metadata: { labels: setLabels } });
    await run({ entries: [web] }, () => server.remove(maps, 'cve'));
    expect(objectOf('cve')).toMatchObject({ data: { 'file.txt': `${header}docker.io/acme/web:1\n` } });
  });

  it.each([
    ['cve', { data: { 'app.conf': 'a' } }, /ConfigMap cve has no label nodesweep.io\/kind: image-set/],
    ['cve', { metadata: { labels: { 'nodesweep.io/kind': 'policy' } } }, /ConfigMap cve has no label/],
    ['cve', { metadata: { labels: setLabels }, data: { 'list.txt': '' } }, /other keys than file.txt \(list.txt\)/],
    ['cve', { metadata: { labels: setLabels }, binaryData: { a: '' } }, /other keys than file.txt \(a\)/],
    ['cve-memory', { data: { a: 'b' } }, /ConfigMap cve-memory has no label nodesweep.io\/kind: image-set-memory/],
  ])('is refused, without a look and without a write, if %s is something else: %j', async (name, object, message) => {
    server.put(maps, name, object);
    let looks = 0;
    const running = run({ entries: [web], memory: new Uint8Array() }, () => {
      looks += 1;
    });
    await expect(running).rejects.toMatchObject({
      name: 'ForeignObjectError',
      message: expect.stringMatching(message),
    });
    expect(looks).toBe(0);
    expect(writes()).toEqual([]);
  });

  it('says how to empty a damaged memory, after which the producer needs no right to create anything (S8)', async () => {
    const metadata = { labels: { 'nodesweep.io/kind': 'image-set-memory' } };
    server.put(maps, 'cve', { metadata: { labels: setLabels } });
    server.put(maps, 'cve-memory', { metadata, binaryData: { 'memory.gz': 'bm8gZ3ppcA==' } });
    server.fault = ({ method }) => (method === 'POST' ? { code: 403, reason: 'Forbidden' } : undefined);
    const content = { entries: [web], memory: new TextEncoder().encode('seen') };
    const command = `kubectl patch configmap -n nodesweep cve-memory --type=json --patch '[{"op": "remove", "path": "/binaryData"}]'`;
    await expect(run(content)).rejects.toThrow(`: to begin anew, empty it: ${command}`);
    expect(writes()).toEqual([]);
    server.put(maps, 'cve-memory', { metadata });
    expect(await run(content)).toMatchObject({ outcome: 'Written' });
    expect(objectOf('cve-memory')).toHaveProperty(['binaryData', 'memory.gz']);
  });

  it('says that its name must be in the Role if the API server refuses', async () => {
    server.fault = ({ method }) => (method === 'POST' ? { code: 403, reason: 'Forbidden' } : undefined);
    await expect(run({ entries: [web] })).rejects.toThrow(
      'could not write ConfigMap cve: 403: refused: Forbidden; name ConfigMap cve in the Role of the producer',
    );
  });
});
