import { createHash } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cleanerResult } from '../../../scheduler/cleanup/pod-result.ts';
import { KubernetesApi } from '../../../scheduler/kubernetes/api/api.ts';
import type { FurtherResource } from '../../../scheduler/kubernetes/api/paths.ts';
import { KubernetesTransport } from '../../../scheduler/kubernetes/api/transport.ts';
import { KubernetesCluster } from '../../../scheduler/kubernetes/cluster.ts';
import type { PolicyObject } from '../../../scheduler/objects.ts';
import { podName } from '../../../scheduler/run/names.ts';
import type { Run } from '../../../scheduler/run/run.ts';
import type { PolicyStatus } from '../../../scheduler/status/status.ts';
import { buildNode, buildPod, buildPolicyObject, buildReport, buildRun, start } from '../../helpers/builders.ts';
import { type Asked, type Fault, LoopbackApi } from '../../helpers/loopback-api.ts';

const maps = '/api/v1/namespaces/nodesweep/configmaps';
const pods = '/api/v1/namespaces/nodesweep/pods';
const template = { namespace: 'nodesweep', image: 'nodesweep:1', serviceAccountName: 'cleaner', logLevel: 'info' };
const status: PolicyStatus = {
  policyUid: 'uid-of-nightly',
  observedVersion: '1',
  valid: true,
  problems: [],
  scheduleSince: start,
};

let server: LoopbackApi;
let cluster: KubernetesCluster;
let policy: PolicyObject;
let errors: string[];
let onChange: () => void;

beforeEach(async () => {
  server = new LoopbackApi();
  await server.start();
  putPolicy('nightly');
  policy = buildPolicyObject({}, { uid: 'uid-of-nightly' });
  errors = [];
  onChange = vi.fn<() => void>();
  cluster = connect();
  await cluster.start(onChange);
});
afterEach(async () => {
  await cluster.stop();
  await server.stop();
});

function connect(workloadResources: readonly FurtherResource[] = []): KubernetesCluster {
  const log = { info: () => {}, warn: () => {}, error: (_fields: object, message: string) => errors.push(message) };
  const api = new KubernetesApi({ transport: new KubernetesTransport(server.config), requestsPerSecond: 1000 });
  return new KubernetesCluster({
    api,
    template,
    overrides: { sockets: [], stateDirectories: [] },
    workloadResources,
    log,
  });
}

function putPolicy(name: string, metadata: object = {}) {
  const labels = { 'nodesweep.io/kind': 'policy' };
  return server.put(maps, name, { metadata: { labels, ...metadata }, data: { 'cleanup.yaml': 'schedule: "@daily"' } });
}

/** The first request of a kind that changes something goes wrong. */
function failOnce(fault: Fault, matches: (asked: Asked) => boolean): void {
  let isDone = false;
  server.fault = (asked) => {
    if (isDone || !matches(asked)) return undefined;
    isDone = true;
    return fault;
  };
}

const isPost = ({ method }: Asked) => method === 'POST';
const isPut = ({ method }: Asked) => method === 'PUT';
const runs = () => cluster.state().runs;

const noPods = { references: [], count: 0, prepulled: [] };
const job = { version: 1 as const, policy: 'nightly', run: 'nightly-29540760', dryRun: false };

async function createRun(run: Run = buildRun()): Promise<void> {
  await cluster.createRun(policy, run);
}

describe('the record of a run', () => {
  it('is created once, and is visible immediately (C10)', async () => {
    expect(await cluster.createRun(policy, buildRun())).toMatchObject({ outcome: 'Created', run: runs()[0] });
    expect(runs()).toMatchObject([{ value: { name: 'nightly-29540760', phase: 'Running' } }]);
    expect(await cluster.createRun(policy, buildRun())).toMatchObject({ outcome: 'AlreadyExists', run: runs()[0] });
    expect(runs()).toHaveLength(1);
  });

  it('exists at the next attempt if its creation was done but not answered (C10)', async () => {
    failOnce('lost', isPost);
    await expect(createRun()).rejects.toThrow(/^could not create the record of run nightly-29540760: /);
    expect(await cluster.createRun(policy, buildRun())).toMatchObject({ outcome: 'AlreadyExists', run: runs()[0] });
    await vi.waitFor(() => expect(runs()).toHaveLength(1));
  });

  it('is replaced only in the known version', async () => {
    await createRun();
    const [stored] = runs();
    const paused = { ...buildRun(), phase: 'Paused' as const };
    const version = await cluster.updateRun({ value: paused, resourceVersion: stored?.resourceVersion ?? '' });
    expect(runs()).toMatchObject([{ value: { phase: 'Paused' }, resourceVersion: version }]);
    const late = { value: buildRun(), resourceVersion: stored?.resourceVersion ?? '' };
    expect(await cluster.updateRun(late)).toBeUndefined();
    expect(runs()).toMatchObject([{ value: { phase: 'Paused' } }]);
  });

  it('that somebody else has changed is visible as it is now, even before the watch reports it (C10)', async () => {
    const other = connect();
    await other.start(() => {});
    await createRun();
    const [stored] = runs();
    await vi.waitFor(() => expect(other.state().runs).toHaveLength(1));
    server.fault = ({ query }) => (query.has('watch') ? 'cut' : undefined);
    server.cutWatches();
    await other.updateRun({
      value: { ...buildRun(), phase: 'Failed' },
      resourceVersion: stored?.resourceVersion ?? '',
    });
    expect(
      await cluster.updateRun({ value: buildRun(), resourceVersion: stored?.resourceVersion ?? '' }),
    ).toBeUndefined();
    expect(runs()).toMatchObject([{ value: { phase: 'Failed' } }]);
    await other.stop();
  });

  it('is known as it is after the next attempt, if its update was done but not answered', async () => {
    await createRun();
    const [stored] = runs();
    failOnce('lost', isPut);
    const finished = {
      value: { ...buildRun(), phase: 'Failed' as const },
      resourceVersion: stored?.resourceVersion ?? '',
    };
    await expect(cluster.updateRun(finished)).rejects.toThrow(/^could not update the record of run/);
    expect(await cluster.updateRun(finished)).toBeUndefined();
    expect(runs()).toMatchObject([{ value: { phase: 'Failed' } }]);
  });

  it('that no longer exists is known not to exist', async () => {
    await createRun();
    const [stored] = runs();
    server.fault = ({ query }) => (query.has('watch') ? 'cut' : undefined);
    server.cutWatches();
    server.remove(maps, 'nightly-29540760.run');
    expect(
      await cluster.updateRun({ value: buildRun(), resourceVersion: stored?.resourceVersion ?? '' }),
    ).toBeUndefined();
    expect(runs()).toEqual([]);
    await cluster.deleteRun('nightly-29540760');
  });

  it('of a policy that was deleted does not belong to the new policy of the same name', async () => {
    await createRun();
    server.remove(maps, 'nightly');
    putPolicy('nightly', { uid: 'another' });
    await vi.waitFor(() => expect(cluster.state().policies).toMatchObject([{ uid: 'another' }]));
    expect(runs()).toEqual([]);
  });

  it('that is damaged is left alone and named, and the others continue', async () => {
    const metadata = { labels: { 'nodesweep.io/kind': 'run' }, ownerReferences: [{ uid: 'uid-of-nightly' }] };
    server.put(maps, 'damaged.run', { metadata, data: { 'run.yaml': 'version: 7' } });
    await createRun();
    await vi.waitFor(() => expect(errors).toHaveLength(1));
    expect(errors[0]).toMatch(
      /^ConfigMap damaged.run can't be read \(RunRecordError: [\s\S]*\): delete it if it was damaged/,
    );
    expect(runs()).toHaveLength(1);
  });
});

describe('the status of a policy', () => {
  const statuses = () => cluster.state().statuses.get('nightly');

  it('is created, and then replaced', async () => {
    expect(await cluster.writeStatus(policy, status)).toBe(true);
    expect(await cluster.writeStatus(policy, { ...status, lastRun: 'nightly-1' })).toBe(true);
    expect(statuses()).toMatchObject({ value: { lastRun: 'nightly-1' } });
    expect(server.count('PUT')).toBe(1);
  });

  it('that another replica has written first is a conflict, and is then known (C10)', async () => {
    const other = connect();
    await other.start(() => {});
    server.fault = ({ query }) => (query.has('watch') ? 'cut' : undefined);
    server.cutWatches();
    await other.writeStatus(policy, { ...status, lastRun: 'theirs' });
    expect(await cluster.writeStatus(policy, { ...status, lastRun: 'mine' })).toBe(false);
    expect(statuses()).toMatchObject({ value: { lastRun: 'theirs' } });
    await other.stop();
  });

  it('that cannot be read exists without a value, and is replaced', async () => {
    await cluster.writeStatus(policy, status);
    const { metadata } = server.objects.get(`${maps}/nightly.status`) ?? {};
    server.put(maps, 'nightly.status', { metadata, data: { 'status.yaml': '{' } });
    await vi.waitFor(() => expect(statuses()).toMatchObject({ value: undefined }));
    expect(await cluster.writeStatus(policy, status)).toBe(true);
    expect(statuses()).toMatchObject({ value: { valid: true } });
  });

  it('never replaces an object of another kind', async () => {
    server.put(maps, 'nightly.status', { data: { mine: 'keep' } });
    await expect(cluster.writeStatus(policy, status)).rejects.toThrow(
      'ConfigMap nightly.status has the name of a status: delete it, or rename the policy',
    );
    expect(server.objects.get(`${maps}/nightly.status`)).toMatchObject({ data: { mine: 'keep' } });
  });
});

describe('cleaner pods', () => {
  const node = buildNode('node-1');
  const known = () => cluster.state().pods;
  beforeEach(async () => {
    await createRun();
    await cluster.createJob(buildRun(), job);
    server.asked.length = 0;
  });

  it('are bound to their node, belong to the record of their run, and are visible immediately (C15)', async () => {
    await cluster.createPod(buildRun(), node, 0, noPods);
    expect(known()).toMatchObject([{ run: 'nightly-29540760', node: 'node-1', attempt: 0, phase: 'Pending' }]);
    expect(
      [...server.objects.values()].find(({ metadata }) => metadata.labels?.['nodesweep.io/kind'] === 'cleaner'),
    ).toMatchObject({
      metadata: { ownerReferences: [{ name: 'nightly-29540760.run', uid: 'uid-of-nightly-29540760.run' }] },
      spec: { nodeName: 'node-1' },
    });
  });

  it('that exist already are adopted (C15)', async () => {
    failOnce('lost', isPost);
    await expect(cluster.createPod(buildRun(), node, 0, noPods)).rejects.toThrow(
      /^could not create a cleaner pod on node node-1: /,
    );
    await cluster.createPod(buildRun(), node, 0, noPods);
    expect(known()).toHaveLength(1);
    expect(server.count('POST', ({ path }) => path === pods)).toBe(2);
  });

  it('tell their time to the one that has created them, and to nobody else (S12)', async () => {
    const createdAt = await cluster.createPod(buildRun(), node, 0, noPods);
    expect(createdAt).toEqual(known()[0]?.createdAt);
    expect(await cluster.createPod(buildRun(), node, 0, noPods)).toBeUndefined();
  });

  it('that were not created because of a conflict at the quota do not count as existing ones (C19)', async () => {
    failOnce({ code: 409, reason: 'Conflict' }, isPost);
    await cluster.createPod(buildRun(), node, 0, noPods);
    expect(known()).toHaveLength(1);
  });

  it('that are refused fail with the reason and the node (C19)', async () => {
    server.fault = (asked) => (isPost(asked) ? { code: 403, reason: 'Forbidden' } : undefined);
    await expect(cluster.createPod(buildRun(), node, 0, noPods)).rejects.toThrow(
      'could not create a cleaner pod on node node-1: 403: refused: Forbidden',
    );
  });

  it('are not created again while the pod before runs, although the watch has not reported it (C15)', async () => {
    const name = podName('nightly-29540760', 'node-1', 0);
    server.fault = ({ query }) => (query.has('watch') ? 'cut' : undefined);
    server.cutWatches();
    const labels = { 'nodesweep.io/kind': 'cleaner', 'nodesweep.io/run': 'nightly-29540760' };
    server.put(pods, name, { metadata: { labels }, spec: { nodeName: 'node-1' }, status: { phase: 'Running' } });
    await expect(cluster.createPod(buildRun(), node, 1, noPods)).rejects.toThrow(`pod ${name} has not ended yet`);
    expect(known()).toMatchObject([{ name, phase: 'Running' }]);
    server.put(pods, name, { metadata: { labels }, spec: { nodeName: 'node-1' }, status: { phase: 'Failed' } });
    await cluster.createPod(buildRun(), node, 1, noPods);
    expect(server.count('POST', ({ path }) => path === pods)).toBe(1);
  });

  const createdClass = () => {
    const made = [...server.objects.values()].filter(
      ({ metadata }) => metadata.labels?.['nodesweep.io/kind'] === 'cleaner',
    );
    return made.map((pod) => (pod as V1Pod).spec?.priorityClassName);
  };
  const pressed = buildNode('node-1', { diskPressure: true, podCapacity: 3 });
  const bind = (name: string, phase: string) =>
    server.put('/api/v1/pods', name, { spec: { nodeName: 'node-1' }, status: { phase } });

  const readBound = async () => ({ ...noPods, ...(await cluster.readBoundPods(['node-1'])).get('node-1') });

  it('are critical under disk pressure if a place is free, as the kubelet counts (H1, H2)', async () => {
    for (const name of ['a', 'b']) bind(name, 'Running');
    bind('ended', 'Succeeded');
    await cluster.createPod(buildRun(), pressed, 0, await readBound());
    expect(createdClass()).toEqual(['system-node-critical']);
    expect(known()).toHaveLength(1);
  });

  it('are not critical under disk pressure if no place is free: the kubelet would end another pod (H1)', async () => {
    for (const name of ['a', 'b', 'c']) bind(name, 'Running');
    await cluster.createPod(buildRun(), pressed, 0, await readBound());
    expect(createdClass()).toEqual(['nodesweep-cleaner']);
  });

  it('of a node under disk pressure take one read of its pods (H1)', async () => {
    bind('a', 'Running');
    const bound = await readBound();
    server.asked.length = 0;
    await cluster.createPod(buildRun(), pressed, 0, bound);
    expect(server.count('GET', ({ path }) => path.endsWith('/pods'))).toBe(0);
  });

  it('are not critical if a webhook gives them requests: the kubelet would end another pod (H1, H22)', async () => {
    const requests = { cpu: '10m' };
    server.mutate = (pod) => {
      const { spec } = pod as V1Pod;
      return {
        ...pod,
        spec: { ...spec, containers: [...(spec?.containers ?? []), { name: 'x', resources: { requests } }] },
      };
    };
    await cluster.createPod(buildRun(), pressed, 0, noPods);
    expect(createdClass()).toEqual(['nodesweep-cleaner']);
  });

  it('of an unknown priority class fail with the next step', async () => {
    const reason = 'no PriorityClass with name nodesweep-cleaner was found';
    server.fault = (asked) => (isPost(asked) ? { code: 403, reason } : undefined);
    await expect(cluster.createPod(buildRun(), node, 0, noPods)).rejects.toThrow(
      /no PriorityClass with name nodesweep-cleaner was found: apply the PriorityClass in manifests/,
    );
  });

  it('have the state of the container of the cleaner, beside which others may run (H11)', async () => {
    const message = JSON.stringify(buildReport());
    const labels = { 'nodesweep.io/kind': 'cleaner', 'nodesweep.io/run': 'nightly-29540760' };
    const containerStatuses = [
      { name: 'audit-agent', state: { running: {} } },
      { name: 'cleaner', state: { terminated: { exitCode: 0, reason: 'Completed', message } } },
    ];
    server.put(pods, 'meshed', {
      metadata: { labels },
      spec: { nodeName: 'node-1' },
      status: { phase: 'Running', containerStatuses },
    });
    await vi.waitFor(() => expect(known()).toHaveLength(1));
    expect(cleanerResult(known()[0] ?? buildPod('node-1'))).toMatchObject({ kind: 'Done' });
    expect(known()[0]).toMatchObject({ hasOthersAtWork: true });
  });

  it('of a run without a record are not created', async () => {
    await cluster.deleteRun('nightly-29540760');
    await expect(cluster.createPod(buildRun(), node, 0, noPods)).rejects.toThrow(
      'run nightly-29540760 has no record any more',
    );
  });

  it('are terminating after they are deleted, and gone if they no longer existed (C26)', async () => {
    await cluster.createPod(buildRun(), node, 0, noPods);
    const name = known()[0]?.name ?? '';
    server.fault = ({ query }) => (query.has('watch') ? 'cut' : undefined);
    server.cutWatches();
    await cluster.deletePod(name);
    expect(known()).toMatchObject([{ deletionTimestamp: expect.any(Date) }]);
    await cluster.deletePod(name);
    expect(known()).toEqual([]);
  });

  it('of a run are deleted in one call (C30)', async () => {
    for (const name of ['node-1', 'node-2', 'node-3']) await cluster.createPod(buildRun(), buildNode(name), 0, noPods);
    await cluster.deletePods('nightly-29540760');
    expect(known().every(({ deletionTimestamp }) => deletionTimestamp !== undefined)).toBe(true);
    const deletions = server.asked.filter(({ method }) => method === 'DELETE');
    expect(deletions.map(({ path, query }) => [path, query.get('labelSelector')])).toEqual([
      [pods, 'nodesweep.io/kind in (cleaner,puller),nodesweep.io/run=nightly-29540760'],
    ]);
  });

  it.each([1, 60])(
    'of a run are deleted but for %i that stay, in one call if it can name them (P10)',
    async (count) => {
      const names = Array.from({ length: count + 2 }, (_, index) => `node-${index}`);
      for (const name of names) await cluster.createPod(buildRun(), buildNode(name), 0, noPods);
      const kept = names.slice(2).map((name) => podName('nightly-29540760', name, 0));
      await cluster.deletePods('nightly-29540760', kept);
      const staying = known().filter(({ deletionTimestamp }) => deletionTimestamp === undefined);
      expect(staying.map(({ name }) => name).sort()).toEqual(kept.toSorted());
      const deletions = server.asked.filter(({ method }) => method === 'DELETE');
      const fields = deletions.map(({ query }) => query.get('fieldSelector'));
      expect(fields).toEqual(count === 1 ? [`metadata.name!=${kept[0]}`] : [null, null]);
    },
  );
});

describe('the job of a run', () => {
  const jobs = () => [...server.objects].filter(([, { metadata }]) => metadata.labels?.['nodesweep.io/kind'] === 'job');

  it('is immutable, belongs to the record, and is left as it is if it exists', async () => {
    await createRun();
    await cluster.createJob(buildRun(), job);
    await cluster.createJob(buildRun(), { ...job, dryRun: true });
    expect(jobs()).toHaveLength(1);
    expect(jobs()[0]?.[1]).toMatchObject({
      immutable: true,
      metadata: { name: 'nightly-29540760.job', ownerReferences: [{ name: 'nightly-29540760.run' }] },
    });
    expect(JSON.stringify(jobs())).toContain('\\"dryRun\\":false');
  });

  it('is found by another process with one read (H31)', async () => {
    await createRun();
    expect(await cluster.hasJob(buildRun())).toBe(false);
    await cluster.createJob(buildRun(), job);
    const other = connect();
    server.asked.length = 0;
    expect(await other.hasJob(buildRun())).toBe(true);
    expect(server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([`GET ${maps}/nightly-29540760.job`]);
    await other.stop();
  });

  it('that is large is mounted completely, also by pods of a scheduler that did not write it (H21)', async () => {
    await createRun();
    const digest = (index: number) => createHash('sha256').update(String(index)).digest('hex');
    const references = Array.from({ length: 40_000 }, (_, index) => `registry.test/app@sha256:${digest(index)}`);
    await cluster.createJob(buildRun(), { ...job, workloadReferences: references });
    const names = jobs().map(([, { metadata }]) => metadata.name);
    expect(names.length).toBeGreaterThan(2);
    for (const [, object] of jobs()) expect(object).toMatchObject({ immutable: true });
    const other = connect();
    await other.start(() => {});
    await other.createJob(buildRun(), { ...job, workloadReferences: references.slice(1) });
    for (const [by, name] of [[cluster, 'node-1'] as const, [other, 'node-2'] as const]) {
      await by.createPod(buildRun(), buildNode(name), 0, noPods);
      const pod = [...server.objects.values()].find((object) => 'spec' in object && object.kind === 'Pod');
      expect(JSON.stringify(pod)).toContain(
        JSON.stringify(names.map((map) => ({ configMap: { name: map } }))).slice(1, -1),
      );
      server.remove(pods, pod?.metadata.name ?? '');
    }
    await other.stop();
  });
});

describe('other requests', () => {
  it('give the reason why a pod does not start: the newest meaningful warning', async () => {
    const event = (name: string, reason: string, message: string, lastTimestamp: string) =>
      server.put('/api/v1/namespaces/nodesweep/events', name, {
        involvedObject: { kind: 'Pod', name: 'pod-1' },
        type: 'Warning',
        reason,
        message,
        lastTimestamp,
      });
    expect(await cluster.readPodWarning('pod-1')).toBeUndefined();
    event('a', 'Failed', 'manifest unknown', '2026-03-02T10:00:01Z');
    event('b', 'Failed', 'Error: ImagePullBackOff', '2026-03-02T10:00:03Z');
    event('c', 'FailedMount', 'no such socket', '2026-03-02T10:00:02Z');
    expect(await cluster.readPodWarning('pod-1')).toBe('FailedMount: no such socket');
  });

  it('give what the kubelet reports about the images of a pod, but nothing about images that it always pulls (P10)', async () => {
    const container = (name: string, imagePullPolicy: string) => ({ name, image: 'a', imagePullPolicy });
    const spec = {
      containers: [
        ...['image-0', 'image-1', 'image-2', 'image-5'].map((name) => container(name, 'IfNotPresent')),
        container('image-3', 'Always'),
        container('image-4', 'Never'),
      ],
    };
    server.put(pods, 'puller', { spec });
    const uid = server.objects.get(`${pods}/puller`)?.metadata.uid ?? '';
    const report = (name: string, message: string) =>
      server.put('/api/v1/namespaces/nodesweep/events', `event-${name}-${message.length}`, {
        involvedObject: { kind: 'Pod', name: 'puller', uid, fieldPath: `spec.containers{${name}}` },
        reason: 'Pulled',
        message,
      });
    const pulled = 'Successfully pulled image "a" in 3.4s (3.4s including waiting). Image size: 9 bytes.';
    report('image-0', pulled);
    report('image-1', 'Container image "a" already present on machine and can be accessed by the pod');
    report('image-2', `(combined from similar events): ${pulled}`);
    report('image-3', pulled);
    report('image-4', 'Container image "a" already present on machine');
    report('other', pulled);
    expect([...(await cluster.readImageReports('puller'))].sort()).toEqual([
      ['image-0', 'Pulled'],
      ['image-1', 'Present'],
    ]);
    expect(server.asked.at(-1)?.query.get('fieldSelector')).toBe(`involvedObject.uid=${uid},reason=Pulled`);
    expect(await cluster.readImageReports('gone')).toEqual(new Map());
  });

  it('give the images that workloads name: every kind, every container, and volumes (H5)', async () => {
    const spec = (...images: string[]) => ({ containers: images.map((image) => ({ image })) });
    const templated = (image: string) => ({ spec: { replicas: 0, template: { spec: spec(image, 'same') } } });
    server.put('/apis/apps/v1/deployments', 'a', templated('deployment'));
    server.put('/apis/apps/v1/replicasets', 'a', templated('revision'));
    server.put('/apis/apps/v1/statefulsets', 'b', templated('stateful'));
    server.put('/apis/apps/v1/daemonsets', 'c', {
      spec: { template: { spec: { ...spec('daemon'), initContainers: [{ image: 'init' }] } } },
    });
    server.put('/apis/apps/v1/controllerrevisions', 'c-1', {
      data: { spec: { template: { $patch: 'replace', spec: spec('daemon-before') } } },
      revision: 1,
    });
    server.put('/api/v1/replicationcontrollers', 'g', templated('controller'));
    server.put('/api/v1/podtemplates', 'h', { template: { spec: spec('template') } });
    server.put('/apis/batch/v1/jobs', 'd', templated('job'));
    server.put('/apis/batch/v1/cronjobs', 'e', {
      spec: { jobTemplate: { spec: { template: { spec: spec('cron') } } } },
    });
    server.put('/api/v1/pods', 'f', {
      spec: {
        ...spec('pod'),
        ephemeralContainers: [{ image: 'debug' }],
        volumes: [{ image: { reference: 'volume' } }],
      },
    });
    expect(await cluster.listWorkloadReferences()).toEqual([
      'controller',
      'cron',
      'daemon',
      'daemon-before',
      'debug',
      'deployment',
      'init',
      'job',
      'pod',
      'revision',
      'same',
      'stateful',
      'template',
      'volume',
    ]);
  });

  it('give the images in objects of any other kind that a setting names (H5)', async () => {
    server.put('/apis/argoproj.io/v1alpha1/rollouts', 'a', {
      spec: {
        template: { spec: { containers: [{ image: 'rollout:1' }] } },
        strategy: { steps: [{ image: 'check:1' }] },
      },
      status: { image: 'none' },
    });
    const further = connect(['rollouts.argoproj.io/v1alpha1']);
    expect(await further.listWorkloadReferences()).toEqual(['check:1', 'rollout:1']);
    expect(await cluster.listWorkloadReferences()).toEqual([]);
  });

  it.each([
    ['that nobody has any more', ['widgets.example.com/v1'], 'widgets.example.com/v1', '404'],
    ['that may not be listed', [], 'controllerrevisions', '403'],
  ] as const)(
    'are not known if there is a kind %s, with the words of the API server (H5, H35)',
    async (_, kinds, kind, code) => {
      server.fault = ({ path }) =>
        path.endsWith('/controllerrevisions') && code === '403' ? { code: 403, reason: 'Forbidden' } : undefined;
      const failed = connect(kinds).listWorkloadReferences();
      await expect(failed).rejects.toMatchObject({ name: 'WorkloadsUnknownError' });
      await expect(failed).rejects.toThrow(
        `the images of ${kind} are unknown, but protectWorkloads needs them: could not list ${kind}: ${code}: refused: `,
      );
    },
  );
});

describe('the state', () => {
  it('is complete when the cluster has started, and each change is reported', async () => {
    expect(cluster.state()).toMatchObject({ policies: [{ name: 'nightly' }], nodes: [], pods: [], runs: [] });
    server.put('/api/v1/nodes', 'node-1', { status: { conditions: [{ type: 'Ready', status: 'True' }] } });
    await vi.waitFor(() => expect(cluster.state().nodes).toMatchObject([{ name: 'node-1', ready: true }]));
    expect(onChange).toHaveBeenCalled();
  });

  it('is listed in pages, which are short for pods: thousands of them may be held, and each is large (H31)', () => {
    const limitOf = (path: string) => server.asked.find((asked) => asked.path === path)?.query.get('limit');
    expect([limitOf('/api/v1/nodes'), limitOf(pods)]).toEqual(['500', '100']);
  });

  it('does not change with the heartbeat of a node', async () => {
    const node = (time: string) => ({
      status: {
        conditions: [
          { type: 'Ready', status: 'True', lastHeartbeatTime: time, lastTransitionTime: '2026-01-01T00:00:00Z' },
        ],
      },
    });
    server.put('/api/v1/nodes', 'node-1', node('2026-03-02T10:00:00Z'));
    await vi.waitFor(() => expect(cluster.state().nodes).toHaveLength(1));
    const [before] = cluster.state().nodes;
    vi.mocked(onChange).mockClear();
    server.put('/api/v1/nodes', 'node-1', node('2026-03-02T10:05:00Z'));
    server.put('/api/v1/nodes', 'node-2', node('2026-03-02T10:05:00Z'));
    await vi.waitFor(() => expect(cluster.state().nodes).toHaveLength(2));
    expect(cluster.state().nodes[0]).toBe(before);
    expect(onChange).toHaveBeenCalledTimes(1);
  });

  it('is reported as old while the API server is away, and becomes current by itself', async () => {
    await vi.waitFor(() => expect(cluster.isCurrent).toBe(true));
    await server.stop();
    await vi.waitFor(() => expect(cluster.isCurrent).toBe(false));
    await server.start();
    await vi.waitFor(() => expect(cluster.isCurrent).toBe(true), { timeout: 5_000 });
  });
});

it('a request that existed for a moment is remembered with its policy, because it must not be lost (H41)', async () => {
  for (const request of ['one', 'two', 'three', 'three'])
    putPolicy('nightly', { annotations: { 'nodesweep.io/run-at': request } });
  const seen = () => cluster.state().policies.find(({ name }) => name === 'nightly');
  await vi.waitFor(() => expect(seen()?.annotations['nodesweep.io/run-at']).toBe('three'));
  expect(seen()?.replacedRequests).toEqual(['one', 'two']);
});

it('the record of a run is deleted if its policy lost its label, and another record of that name stays (C31, H41)', async () => {
  await cluster.createRun(policy, buildRun());
  // An object that a selector does not match any more is DELETED to its watch.
  server.remove(maps, 'nightly');
  await vi.waitFor(() => expect(cluster.state().policies).toEqual([]));
  const [orphan] = cluster.state().orphans ?? [];
  if (orphan === undefined) throw new Error('no run without a policy');
  expect(orphan).toMatchObject({ policy: 'nightly', run: 'nightly-29540760' });
  await cluster.deleteOrphan({ ...orphan, uid: 'another' });
  expect(cluster.state().orphans).toEqual([orphan]);
  await cluster.deleteOrphan(orphan);
  expect(cluster.state().orphans).toEqual([]);
});
