import type { V1CronJob, V1Job, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import type { KubernetesApi } from './api.ts';

/** The references of all pods that are bound to a node but don't run yet. */
export async function listStartingReferences(api: KubernetesApi): Promise<string[]> {
  const fieldSelector = 'status.phase=Pending,spec.nodeName!=';
  const pods = await api.listAll<V1Pod>({ resource: 'pods' }, { fieldSelector });
  return referencesOf(pods.map(({ spec }) => spec));
}

const templated = ['deployments', 'statefulsets', 'daemonsets', 'jobs'] as const;

/** The references that any workload template in the cluster names, also of workloads that are scaled to zero or suspended. */
export async function listWorkloadReferences(api: KubernetesApi): Promise<string[]> {
  const specs: (V1PodSpec | undefined)[] = [];
  for (const resource of templated) {
    for (const { spec } of await api.listAll<V1Job>({ resource })) specs.push(spec?.template.spec);
  }
  for (const { spec } of await api.listAll<V1CronJob>({ resource: 'cronjobs' }))
    specs.push(spec?.jobTemplate.spec?.template.spec);
  for (const { spec } of await api.listAll<V1Pod>({ resource: 'pods' })) specs.push(spec);
  return referencesOf(specs);
}

function referencesOf(specs: readonly (V1PodSpec | undefined)[]): string[] {
  return [...new Set(specs.flatMap(podReferences))].sort();
}

/** Every image of a pod, those mounted as volumes too. */
function podReferences(spec: V1PodSpec | undefined): string[] {
  const containers = [
    ...(spec?.initContainers ?? []),
    ...(spec?.containers ?? []),
    ...(spec?.ephemeralContainers ?? []),
  ];
  const volumes = (spec?.volumes ?? []).map((volume) => volume.image?.reference);
  return [...containers.map(({ image }) => image), ...volumes].filter((reference) => reference !== undefined);
}
