import { cleanerContainer } from '../cleanup/pod.ts';
import type { KubernetesApi } from './api/api.ts';

/** The place of a log, and the bytes after which it is cut off; absent for all of it. */
export interface LogChoice {
  readonly namespace: string;
  readonly pod: string;
  readonly limitBytes?: number;
}

/** Reads the log of the cleaner of a pod; undefined if it has none. It needs the right to get `pods/log`. */
export function readCleanerLog(
  api: KubernetesApi,
  { namespace, pod: name, limitBytes }: LogChoice,
): Promise<string | undefined> {
  const query = { container: cleanerContainer, ...(limitBytes !== undefined && { limitBytes }) };
  const log = { resource: 'pods', namespace, name, subresource: 'log', verb: 'get', query } as const;
  return api.call<string>(`read the log of pod ${name}`, ['BadRequest', 'NotFound'], log);
}
