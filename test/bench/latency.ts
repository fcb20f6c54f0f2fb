import type { BareApi } from '../cluster/api.ts';
import { waitFor } from '../cluster/wait.ts';
import { CONFIG_MAPS, createPolicy, PODS } from './fan-out.ts';

/** The policies take turns: while one is asked for a run, the run before it comes to its end. */
const policies = 20;

/** The time that it takes from the request for a run to its first pod, in milliseconds, on a cluster that does nothing else. */
export async function measureFirstPods(api: BareApi, node: string, samples: number): Promise<number[]> {
  const names = Array.from({ length: policies }, (_, index) => `latency${index}`);
  const document = { nodes: { matchLabels: { 'kubernetes.io/hostname': node } }, ttlSecondsAfterFinished: 600 };
  for (const name of names) await createPolicy(api, name, document);
  const pods = new Map<string, number>();
  const stop = await api.watch(PODS, (type, { metadata }) => {
    if (type === 'ADDED') pods.set(metadata.labels?.['nodesweep.io/policy'] ?? '', performance.now());
  });
  const latencies: number[] = [];
  for (let sample = 0; sample < samples; sample += 1) {
    const name = names[sample % policies] ?? '';
    pods.delete(name);
    const start = performance.now();
    const annotations = { 'nodesweep.io/run-at': String(sample) };
    await api.call('PATCH', `${CONFIG_MAPS}/${name}`, { metadata: { annotations } });
    const end = await waitFor(`the first pod of ${name}`, 60_000, async () => pods.get(name));
    latencies.push(end - start);
  }
  stop();
  for (const name of names) await api.call('DELETE', `${CONFIG_MAPS}/${name}`);
  return latencies;
}
