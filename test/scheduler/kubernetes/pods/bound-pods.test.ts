import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KubernetesApi } from '../../../../scheduler/kubernetes/api/api.ts';
import { KubernetesTransport } from '../../../../scheduler/kubernetes/api/transport.ts';
import { BoundPodReader } from '../../../../scheduler/kubernetes/pods/bound-pods.ts';
import { LoopbackApi } from '../../../helpers/loopback-api.ts';

let server: LoopbackApi;
let api: KubernetesApi;
let reader: BoundPodReader;

beforeEach(async () => {
  server = new LoopbackApi();
  await server.start();
  api = new KubernetesApi({ transport: new KubernetesTransport(server.config), requestsPerSecond: 1000 });
  reader = new BoundPodReader(api);
});
afterEach(async () => {
  await api.close();
  await server.stop();
});

const many = ['node-1', 'node-2', 'node-3', 'node-4', 'node-5', 'node-6'];
const lists = () => server.asked.map(({ query }) => query);

function putPod(
  name: string,
  nodeName: string,
  { phase = 'Running', image = `${name}:1`, spec = {}, metadata = {} } = {},
) {
  server.put('/api/v1/pods', name, {
    metadata,
    spec: { nodeName, containers: [{ image }], ...spec },
    status: { phase },
  });
}

describe.each([
  ['one node', ['node-1']],
  ['a wave of nodes', many],
])('the pods bound to %s', (_, nodes) => {
  const read = async () => (await reader.read(nodes)).get('node-1');

  it('need every image in their specs, of containers of all kinds and of volumes (H4, T18)', async () => {
    putPod('all', 'node-1', {
      image: 'main:1',
      spec: {
        initContainers: [{ image: 'fetch:1' }, { image: 'sidecar:1', restartPolicy: 'Always' }],
        ephemeralContainers: [{ image: 'debug:1' }],
        volumes: [{ image: { reference: 'data:1' } }, { emptyDir: {} }],
      },
    });
    expect(await read()).toEqual({ references: ['data:1', 'debug:1', 'fetch:1', 'main:1', 'sidecar:1'], count: 1 });
  });

  it('count in every phase until they have ended, terminating ones too (H4)', async () => {
    putPod('pending', 'node-1', { phase: 'Pending' });
    putPod('running', 'node-1');
    putPod('terminating', 'node-1', { metadata: { deletionTimestamp: '2026-03-02T10:00:00Z' } });
    putPod('unknown', 'node-1', { phase: 'Unknown' });
    putPod('succeeded', 'node-1', { phase: 'Succeeded' });
    putPod('failed', 'node-1', { phase: 'Failed' });
    putPod('elsewhere', 'node-2');
    putPod('unbound', '');
    expect(await read()).toEqual({
      references: ['pending:1', 'running:1', 'terminating:1', 'unknown:1'],
      count: 4,
    });
  });

  it('are none if the node has none, and each image is reported once', async () => {
    expect(await read()).toEqual({ references: [], count: 0 });
    for (const name of ['a', 'b', 'c']) putPod(name, 'node-1', { image: 'same:1' });
    expect(await new BoundPodReader(api).read(nodes).then((pods) => pods.get('node-1'))).toEqual({
      references: ['same:1'],
      count: 3,
    });
  });

  it('are never those of an older state: no version is requested (H4)', async () => {
    await read();
    for (const query of lists()) expect(query.has('resourceVersion')).toBe(false);
  });

  it('are not known if they cannot be read, with the reason of the API server (H35)', async () => {
    server.fault = () => ({ code: 403, reason: 'Forbidden' });
    await expect(reader.read(nodes)).rejects.toThrow(/^could not list (the )?pods.*: 403: refused: Forbidden$/);
  });
});

it('the pods of a wave are read once, page by page, for steps in quick succession (H31)', async () => {
  for (let index = 0; index < 1_100; index += 1) putPod(`pod-${index}`, `node-${(index % 6) + 1}`);
  const pods = await reader.read(many);
  expect([...pods.values()].map(({ count }) => count).reduce((sum, count) => sum + count)).toBe(1_100);
  await reader.read(many);
  expect(lists().map((query) => query.get('limit'))).toEqual(['500', '500', '500']);
});

it('the pods of a few nodes are read again each time, each by the name of its node (H4)', async () => {
  await reader.read(['node-1', 'node-2']);
  putPod('new', 'node-2');
  const pods = await reader.read(['node-1', 'node-2']);
  expect(pods.get('node-2')?.references).toEqual(['new:1']);
  expect(lists().every((query) => /^spec\.nodeName=node-[12],/.test(query.get('fieldSelector') ?? ''))).toBe(true);
});
