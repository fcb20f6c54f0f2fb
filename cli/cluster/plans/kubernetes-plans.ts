import type { KubeConfig, V1ConfigMap, V1Container, V1Deployment, V1Node, V1Pod } from '@kubernetes/client-node';
import { unknownSetTime } from '../../../contract/job.ts';
import { type Kind, label, labelsOf } from '../../../contract/labels.ts';
import { packJob } from '../../../scheduler/cleanup/job-maps.ts';
import type { PodNode } from '../../../scheduler/cleanup/pod.ts';
import type { BoundPods, ClusterState } from '../../../scheduler/cluster.ts';
import { KubernetesApi } from '../../../scheduler/kubernetes/api/api.ts';
import { ClusterError } from '../../../scheduler/kubernetes/api/error.ts';
import { KubernetesTransport } from '../../../scheduler/kubernetes/api/transport.ts';
import { readCleanerLog } from '../../../scheduler/kubernetes/cleaner-log.ts';
import { type ConfigMapGroups, groupConfigMaps } from '../../../scheduler/kubernetes/config-map-groups.ts';
import { readPodWarning } from '../../../scheduler/kubernetes/events.ts';
import { setTime } from '../../../scheduler/kubernetes/image-sets.ts';
import { readConfigMap, readNode } from '../../../scheduler/kubernetes/objects.ts';
import { BoundPodReader } from '../../../scheduler/kubernetes/pods/bound-pods.ts';
import { buildHarmless, explainRefusal } from '../../../scheduler/kubernetes/pods/place-pod.ts';
import { readPod } from '../../../scheduler/kubernetes/pods/read-pod.ts';
import { listWorkloadReferences } from '../../../scheduler/kubernetes/workload-references.ts';
import type { Node, PolicyObject, RunPod } from '../../../scheduler/objects.ts';
import { podTemplateOf, type Settings } from '../../../scheduler/settings/settings.ts';
import { describeIdle } from '../idle-namespace.ts';
import { finishOf } from '../last-log.ts';
import { buildPlanPod } from './plan-pod.ts';
import type { PlanOrder, PlanPort } from './plan-port.ts';
import { type SchedulerContainer, settingsOfScheduler } from './plan-settings.ts';

const apiRate = 100;
const schedulerLabels = 'app.kubernetes.io/name=nodesweep,app.kubernetes.io/component=scheduler';

/**
 * Opens the cluster of a kubeconfig for plans, with the settings of the scheduler in a namespace. Rejects if there is no
 * scheduler.
 */
export async function openPlans(config: KubeConfig, namespace: string): Promise<PlanPort> {
  const api = new KubernetesApi({ transport: new KubernetesTransport(config), requestsPerSecond: apiRate });
  return new KubernetesPlans(api, namespace, settingsOfScheduler(await readScheduler(api, namespace)));
}

/** Reads the image of the scheduler in a namespace. Rejects if there is no scheduler. */
export async function openSchedulerImage(config: KubeConfig, namespace: string): Promise<string> {
  const api = new KubernetesApi({ transport: new KubernetesTransport(config), requestsPerSecond: apiRate });
  try {
    return (await readScheduler(api, namespace)).image;
  } finally {
    await api.close();
  }
}

class KubernetesPlans implements PlanPort {
  readonly #api: KubernetesApi;
  readonly #namespace: string;
  readonly #settings: Settings & { readonly image: string };

  constructor(api: KubernetesApi, namespace: string, settings: Settings & { readonly image: string }) {
    this.#api = api;
    this.#namespace = namespace;
    this.#settings = settings;
  }

  async listPolicies(): Promise<readonly PolicyObject[]> {
    return (await this.#listGroups('policy')).policies;
  }

  async listStatuses(): Promise<ClusterState['statuses']> {
    return (await this.#listGroups('status')).statuses;
  }

  async listLedgers(): Promise<ClusterState['ledgers']> {
    return (await this.#listGroups('lists')).ledgers;
  }

  async #listGroups(kind: Kind): Promise<ConfigMapGroups> {
    const target = { resource: 'configmaps', namespace: this.#namespace } as const;
    const maps = await this.#api.listAll<V1ConfigMap>(target, { labelSelector: `${label.kind}=${kind}` });
    return groupConfigMaps(maps.flatMap((map) => readConfigMap(map) ?? []));
  }

  /** Reads a few sets at a time, because each may have 1 MiB. */
  async readSetTimes(names: readonly string[]): Promise<Readonly<Record<string, string>>> {
    const times: Record<string, string> = {};
    const target = { resource: 'configmaps', namespace: this.#namespace } as const;
    const query = { labelSelector: `${label.kind}=image-set`, limit: 2 };
    for await (const { items } of this.#api.pages<V1ConfigMap>(target, query))
      for (const { metadata } of items) {
        const { updatedAt } = setTime(metadata);
        const { name = '' } = metadata ?? {};
        if (names.includes(name)) times[name] = updatedAt?.toISOString() ?? unknownSetTime;
      }
    return times;
  }

  async readNode(name: string): Promise<Node | undefined> {
    const call = { resource: 'nodes', name, verb: 'get' } as const;
    const node = await this.#api.call<V1Node>(`read node ${name}`, ['NotFound'], call);
    return node && readNode(node, this.#settings);
  }

  async readBoundPods(node: string): Promise<BoundPods> {
    return (await new BoundPodReader(this.#api).read([node])).get(node) ?? { references: [], count: 0 };
  }

  listWorkloadReferences(): Promise<string[]> {
    return listWorkloadReferences(this.#api, this.#settings.workloadResources);
  }

  /** Creates the job after the pod, which waits for it, so that the pod can own the job. */
  async createPlan({ name, policy, node, job, needs, sets, timeoutSeconds }: PlanOrder): Promise<void> {
    const namespace = this.#namespace;
    const template = podTemplateOf(this.#settings, namespace, this.#settings.image);
    const maps = await packJob(name, job);
    const references = { bound: needs.references, prepulled: needs.prepulled };
    const task = { name, jobMaps: maps.map((map) => map.name), references, sets, timeoutSeconds };
    const build = (place: PodNode) => buildPlanPod(task, policy, place, template);
    const body = await buildHarmless({ api: this.#api, namespace }, { node, boundPods: needs.count }, build);
    const call = { resource: 'pods', namespace, verb: 'create', body } as const;
    const pod = await this.#api.call<V1Pod>(`create pod ${name} on node ${node.name}`, [], call).catch((error) => {
      throw explainRefusal(error);
    });
    const owner = { apiVersion: 'v1', kind: 'Pod', name, uid: pod?.metadata?.uid ?? '' };
    const metadata = { namespace, labels: labelsOf('plan', policy.name, name), ownerReferences: [owner] };
    for (const { name: mapName, ...content } of maps) {
      const map = { metadata: { ...metadata, name: mapName }, ...content, immutable: true };
      const createMap = { resource: 'configmaps', namespace, verb: 'create', body: map } as const;
      await this.#api.call(`create the job of pod ${name}`, [], createMap);
    }
  }

  async readPod(name: string): Promise<RunPod | undefined> {
    const call = { resource: 'pods', namespace: this.#namespace, name, verb: 'get' } as const;
    const pod = await this.#api.call<V1Pod>(`read pod ${name}`, ['NotFound'], call);
    return pod && readPod(pod);
  }

  async readLog(pod: string): Promise<string> {
    return (await readCleanerLog(this.#api, { namespace: this.#namespace, pod })) ?? '';
  }

  readPodWarning(pod: string): Promise<string | undefined> {
    return readPodWarning(this.#api, this.#namespace, pod);
  }

  /** Deletes at once, because a plan has nothing to finish. */
  async deletePlan(name: string): Promise<void> {
    const target = { namespace: this.#namespace, name, verb: 'delete' } as const;
    const pod = { ...target, resource: 'pods', query: { gracePeriodSeconds: 0 } } as const;
    await this.#api.call(`delete pod ${name}`, ['NotFound'], pod);
    const map = { ...target, resource: 'configmaps' } as const;
    await this.#api.call(`delete ConfigMap ${name}`, ['NotFound'], map);
  }

  async listLeftovers(minAgeMs: number): Promise<string[]> {
    const pods = await this.#listPods({ [label.kind]: 'plan' });
    const createdBefore = new Date(this.#api.clock.now().getTime() - minAgeMs);
    return pods
      .filter(
        (pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed' || finishOf(pod) !== undefined,
      )
      .filter(({ metadata }) => new Date(metadata?.creationTimestamp ?? 0) <= createdBefore)
      .map(({ metadata }) => metadata?.name ?? '');
  }

  #listPods(labels: Readonly<Record<string, string>>): Promise<V1Pod[]> {
    const labelSelector = Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    return this.#api.listAll<V1Pod>({ resource: 'pods', namespace: this.#namespace }, { labelSelector });
  }
}

/** The scheduler's container in its Deployment, whose settings also hold for plans. */
async function readScheduler(api: KubernetesApi, namespace: string): Promise<SchedulerContainer> {
  const target = { resource: 'deployments', namespace } as const;
  const [found] = await api.listAll<V1Deployment>(target, { labelSelector: schedulerLabels });
  const containers = found?.spec?.template.spec?.containers ?? [];
  const container = containers.find(({ name }) => name === 'scheduler') ?? containers[0];
  if (container?.image === undefined) {
    throw new ClusterError(describeIdle(namespace));
  }
  return { image: container.image, args: container.args ?? [], environment: readEnvironment(container) };
}

/** The variables with a value in the Deployment. A plan does not need variables from other sources. */
function readEnvironment({ env = [] }: V1Container): Record<string, string> {
  return Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
}
