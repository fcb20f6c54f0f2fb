import { imagesNamedIn } from '../cleanup/image-fields.ts';
import type { KubernetesApi } from './api.ts';
import { ClusterError } from './error.ts';
import type { FurtherResource, Resource } from './paths.ts';

/**
 * The kinds of the built-in APIs that hold pod templates. A ControllerRevision is what a DaemonSet or StatefulSet rolls
 * back to.
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

/** The images that workloads name can't be known; the message has the API server's words and says what to do. */
export class WorkloadsUnknownError extends Error {
  override readonly name = 'WorkloadsUnknownError';
}

/**
 * The references that any workload template in the cluster names, also of workloads that are scaled to zero or suspended, and
 * of revisions to roll back to. Only these are kept of each page. Rejects with a {@link WorkloadsUnknownError}.
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
      `the images that ${resource} name are not known, so that protectWorkloads can't be kept: ${cause.message}; let the scheduler list them, or turn protectWorkloads off`,
      { cause },
    );
  }
}
