import type { V1PodSpec } from '@kubernetes/client-node';
import type { KubernetesApi } from './kubernetes-api.ts';

/** The references of all pods that are bound to a node but don't run yet. */
export async function listStartingReferences(api: KubernetesApi): Promise<string[]> {
  const fieldSelector = 'status.phase=Pending,spec.nodeName!=';
  const pods = await api.listAll('pods', (page) => api.core.listPodForAllNamespaces({ ...page, fieldSelector }));
  return referencesOf(pods.map(({ spec }) => spec));
}

/** The references that any workload template in the cluster names, also of workloads that are scaled to zero or suspended. */
export async function listWorkloadReferences(api: KubernetesApi): Promise<string[]> {
  const { core, apps, batch } = api;
  const cronJobs = await api.listAll('cron jobs', (page) => batch.listCronJobForAllNamespaces(page));
  const templated = [
    ...(await api.listAll('deployments', (page) => apps.listDeploymentForAllNamespaces(page))),
    ...(await api.listAll('stateful sets', (page) => apps.listStatefulSetForAllNamespaces(page))),
    ...(await api.listAll('daemon sets', (page) => apps.listDaemonSetForAllNamespaces(page))),
    ...(await api.listAll('jobs', (page) => batch.listJobForAllNamespaces(page))),
    ...cronJobs.map(({ spec }) => ({ spec: spec?.jobTemplate.spec })),
  ];
  const pods = await api.listAll('pods', (page) => core.listPodForAllNamespaces(page));
  return referencesOf([...templated.map(({ spec }) => spec?.template.spec), ...pods.map(({ spec }) => spec)]);
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
