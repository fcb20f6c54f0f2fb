import { imagesNamedIn } from '../cleanup/image-fields.ts';
import type { KubernetesApi } from './api/api.ts';
import { ClusterError } from './api/error.ts';
import type { FurtherResource, Resource } from './api/paths.ts';

/**
 * The built-in kinds with pod templates. A ControllerRevision holds an earlier revision of a DaemonSet or StatefulSet.
 */
const builtIn = [
  'pods',
  'podtemplates',
  'replicationcontrollers',
  'deployments',
  'replicasets',
  'statefulsets',
  'daemonsets',
  'controllerrevisions',
  'jobs',
  'cronjobs',
] as const satisfies readonly Resource[];

/** The images of workloads can't be read. The message has the API server's words, and says what to do. */
export class WorkloadsUnknownError extends Error {
  override readonly name = 'WorkloadsUnknownError';
}

/**
 * The references of all workload templates in the cluster, also of workloads that are scaled to zero or suspended, and of
 * earlier revisions. Keeps only the references of each page. Rejects with a {@link WorkloadsUnknownError}.
 */
export async function listWorkloadReferences(
  api: KubernetesApi,
  furtherResources: readonly FurtherResource[],
): Promise<string[]> {
  const references = new Set<string>();
  for (const resource of [...builtIn, ...furtherResources]) await addReferences(api, resource, references);
  return [...references].sort();
}

async function addReferences(api: KubernetesApi, resource: Resource, references: Set<string>): Promise<void> {
  try {
    for await (const { items } of api.pages<object>({ resource }))
      for (const item of items) for (const image of imagesNamedIn(item)) references.add(image);
  } catch (cause) {
    if (!(cause instanceof ClusterError)) throw cause;
    throw new WorkloadsUnknownError(
      `the images of ${resource} are unknown, but protectWorkloads needs them: ${cause.message}; allow the scheduler to list them, or turn protectWorkloads off`,
      { cause },
    );
  }
}
