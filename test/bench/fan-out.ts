import { buildPod } from '../../scheduler/cleanup/pod.ts';
import { jobName } from '../../scheduler/run/names.ts';
import type { BareApi, WatchedObject } from '../cluster/api.ts';
import { NAMESPACE } from '../cluster/kwok.ts';
import { waitFor } from '../cluster/wait.ts';
import { buildNode, buildRun } from '../helpers/builders.ts';

export const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
export const CONFIG_MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
const TIMEOUT_MS = 900_000;

export interface FanOut {
  readonly startedAt: Date;
  /** From the start to the last pod that has succeeded, in milliseconds. */
  readonly totalMs: number;
}

/** Builds the pod of a run on a node. */
export type BuildPod = (node: string, run: string, runUid: string) => object;

/** The floor: the same pods, created by a client that does nothing else, and followed by one watch. */
export async function fanOutBare(
  api: BareApi,
  nodes: readonly string[],
  run: string,
  build: BuildPod = buildBarePod,
): Promise<FanOut> {
  const record = await api.call('POST', CONFIG_MAPS, { metadata: { name: `${run}.run` } });
  const { uid } = JSON.parse(record.text).metadata;
  const pods = nodes.map((name) => build(name, run, uid));
  const fanOut = await measureFanOut(api, run, nodes.length, () => api.createAll(PODS, pods));
  await api.call('DELETE', `${PODS}?labelSelector=nodesweep.io/run=${run}`);
  await api.call('DELETE', `${CONFIG_MAPS}/${run}.run`);
  await waitUntilGone(api, run);
  return fanOut;
}

/** The same by the scheduler, from the moment at which somebody asks for a run. */
export async function fanOutPolicy(
  api: BareApi,
  policy: string,
  document: object,
  nodes: number,
  key: DocumentKey = 'cleanup.yaml',
): Promise<FanOut> {
  return measureFanOut(api, policy, nodes, async () => {
    await createPolicy(api, policy, document, { 'nodesweep.io/run-at': 'now' }, key);
  });
}

export type DocumentKey = 'cleanup.yaml' | 'prepull.yaml';

export function createPolicy(
  api: BareApi,
  name: string,
  document: object,
  annotations: object = {},
  key: DocumentKey = 'cleanup.yaml',
) {
  return api.call('POST', CONFIG_MAPS, {
    metadata: { name, labels: { 'nodesweep.io/kind': 'policy' }, annotations },
    data: { [key]: JSON.stringify({ schedule: '@yearly', ...document }) },
  });
}

/** The pods of a policy, or of a run, are gone. */
export function waitUntilGone(api: BareApi, name: string): Promise<true> {
  return waitFor(`the pods of ${name} to go`, TIMEOUT_MS, async () => {
    const { items } = await api.get<{ items: readonly WatchedObject[] }>(PODS);
    return items.every((pod) => !belongsTo(pod, name)) || undefined;
  });
}

/** As the scheduler of the benchmarks has it. */
export const template = {
  namespace: NAMESPACE,
  image: 'registry.test/nodesweep:1',
  serviceAccountName: 'default',
  logLevel: 'info',
};

function buildBarePod(name: string, run: string, uid: string): object {
  const parts = { attempt: 0, references: { bound: [], prepulled: [] }, jobMaps: [jobName(run)] };
  return buildPod({ run: buildRun({}, { name: run }), runUid: uid, ...parts }, buildNode(name), template);
}

async function measureFanOut(api: BareApi, name: string, nodes: number, begin: () => Promise<void>): Promise<FanOut> {
  const succeeded = new Set<string>();
  const { promise, resolve } = Promise.withResolvers<number>();
  const stop = await api.watch(PODS, (_type, pod) => {
    if (!belongsTo(pod, name) || pod.status?.phase !== 'Succeeded') return;
    succeeded.add(pod.metadata.name);
    if (succeeded.size === nodes) resolve(performance.now());
  });
  const startedAt = new Date();
  const start = performance.now();
  await begin();
  const end = await promise;
  stop();
  return { startedAt, totalMs: end - start };
}

function belongsTo({ metadata }: WatchedObject, name: string): boolean {
  return metadata.name.startsWith(`${name}-`);
}
