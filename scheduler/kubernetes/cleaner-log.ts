import { cleanerContainer } from '../cleanup/pod.ts';
import type { KubernetesApi } from './api/api.ts';

/** About 3,000 images. A longer log ends here. */
const limitBytes = 1_000_000;

/** Reads the log of the cleaner of a pod; undefined if it is gone. It needs the right to get `pods/log`. */
export function readCleanerLog(api: KubernetesApi, namespace: string, name: string): Promise<string | undefined> {
  const query = { container: cleanerContainer, limitBytes };
  const log = { resource: 'pods', namespace, name, subresource: 'log', verb: 'get', query } as const;
  return api.call<string>(`read the log of pod ${name}`, ['BadRequest', 'NotFound'], log);
}
