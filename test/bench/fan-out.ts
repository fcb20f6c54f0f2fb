import { buildPod } from '../../scheduler/pod.ts';
import type { BareApi } from '../cluster/api.ts';
import { NAMESPACE } from '../cluster/kwok.ts';
import { waitFor } from '../cluster/wait.ts';
import { buildNode, buildRun } from '../helpers/builders.ts';

const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
const CONFIG_MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
const TIMEOUT_MS = 600_000;

export interface FanOut {
  readonly startedAt: Date;
  /** From the start to the first pod that exists, and to the last one that has succeeded, in milliseconds. */
  readonly firstPodMs: number;
  readonly totalMs: number;
}

/** The floor: the same pods, created by a client that does nothing else, and followed by one watch. */
export async function fanOutBare(api: BareApi, nodes: readonly string[], run: string): Promise<FanOut> {
  const record = await api.call('POST', CONFIG_MAPS, { metadata: { name: `${run}.run` } });
  const template = {
    namespace: NAMESPACE,
    image: 'registry.test/nodesweep:1',
    serviceAccountName: 'default',
    logLevel: 'info',
  };
  const { uid } = JSON.parse(record.text).metadata;
  const pods = nodes.map((name) => {
    const { runtime, ...node } = buildNode(name);
    if (runtime === undefined) throw new Error(`node ${name} has no runtime`);
    return buildPod(buildRun({}, { name: run }), uid, { ...node, runtime }, 0, template);
  });
  const fanOut = await measureFanOut(api, run, nodes.length, () => api.createAll(PODS, pods));
  await api.call('DELETE', `${PODS}?labelSelector=nodesweep.io/run=${run}`);
  await api.call('DELETE', `${CONFIG_MAPS}/${run}.run`);
  return fanOut;
}

/** Creates a policy that is asked to run at once. */
export async function fanOutPolicy(api: BareApi, policy: string, document: object, nodes: number): Promise<FanOut> {
  return measureFanOut(api, policy, nodes, () => createPolicy(api, policy, document, 'now').then(() => {}));
}

export function createPolicy(api: BareApi, name: string, document: object, runAt?: string) {
  const annotations = runAt === undefined ? {} : { 'nodesweep.io/run-at': runAt };
  return api.call('POST', CONFIG_MAPS, {
    metadata: { name, labels: { 'nodesweep.io/kind': 'policy' }, annotations },
    data: { 'cleanup.yaml': JSON.stringify({ schedule: '@yearly', ...document }) },
  });
}

export function requestRun(api: BareApi, policy: string, request: string) {
  return api.call('PATCH', `${CONFIG_MAPS}/${policy}`, {
    metadata: { annotations: { 'nodesweep.io/run-at': request } },
  });
}

async function measureFanOut(api: BareApi, name: string, nodes: number, begin: () => Promise<void>): Promise<FanOut> {
  const succeeded = new Set<string>();
  let firstPodAt: number | undefined;
  let lastPodAt: number | undefined;
  const stop = await api.watch(PODS, (_type, pod) => {
    if (!pod.metadata.name.startsWith(name)) return;
    firstPodAt ??= performance.now();
    if (pod.status?.phase === 'Succeeded') succeeded.add(pod.metadata.name);
    if (succeeded.size === nodes) lastPodAt ??= performance.now();
  });
  const startedAt = new Date();
  const start = performance.now();
  await begin();
  const end = await waitFor(`${nodes} pods of ${name} to succeed`, TIMEOUT_MS, async () => lastPodAt);
  stop();
  return { startedAt, firstPodMs: (firstPodAt ?? end) - start, totalMs: end - start };
}
