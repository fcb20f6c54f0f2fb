import type { KubeConfig, V1Container, V1Pod } from '@kubernetes/client-node';
import { ClusterError, KubernetesApi } from './kubernetes-api.ts';
import { readTrouble } from './kubernetes-events.ts';
import { readConfigMap, readNode, readPod } from './kubernetes-objects.ts';
import { listStartingReferences, listWorkloadReferences } from './kubernetes-references.ts';
import { label, labelsOf, labelValue } from './labels.ts';
import type { CleanerPod, Node, PolicyObject } from './objects.ts';
import type { PlanCluster, PlanOrder } from './plan-cluster.ts';
import { buildPlanPod } from './plan-pod.ts';
import type { CleanerLog } from './plan-report.ts';
import { type SchedulerContainer, settingsOfScheduler } from './plan-settings.ts';
import type { Settings } from './settings.ts';

const apiRate = 100;
const schedulerLabels = 'app.kubernetes.io/name=nodesweep,app.kubernetes.io/component=scheduler';

/** Opens the cluster of a kubeconfig for plans, with what the scheduler in a namespace is told. Rejects where there is none. */
export async function openPlanCluster(config: KubeConfig, namespace: string): Promise<PlanCluster> {
  const api = new KubernetesApi(config, apiRate);
  return new KubernetesPlanCluster(api, namespace, settingsOfScheduler(await readScheduler(api, namespace)));
}

class KubernetesPlanCluster implements PlanCluster {
  readonly #api: KubernetesApi;
  readonly #namespace: string;
  readonly #settings: Settings & { readonly image: string };

  constructor(api: KubernetesApi, namespace: string, settings: Settings & { readonly image: string }) {
    this.#api = api;
    this.#namespace = namespace;
    this.#settings = settings;
  }

  async listPolicies(): Promise<PolicyObject[]> {
    const namespace = this.#namespace;
    const labelSelector = `${label.kind}=policy`;
    const maps = await this.#api.listAll('policies', (page) =>
      this.#api.core.listNamespacedConfigMap({ ...page, namespace, labelSelector }),
    );
    return maps.map(readConfigMap).flatMap((map) => (map?.kind === 'policy' ? [map.policy] : []));
  }

  async readNode(name: string): Promise<Node | undefined> {
    const node = await this.#api.call(`read node ${name}`, [404], () => this.#api.core.readNode({ name }));
    return node && readNode(node, this.#settings);
  }

  async readLastLog(policy: string, node: string): Promise<CleanerLog | undefined> {
    const labels = { [label.kind]: 'cleaner', [label.policy]: labelValue(policy), [label.node]: labelValue(node) };
    const pods = await this.#listPods(labels);
    const [last] = pods.filter(finishOf).toSorted((a, b) => Number(finishOf(b)) - Number(finishOf(a)));
    const pod = last && readPod(last);
    const finishedAt = last && finishOf(last);
    if (pod === undefined || finishedAt === undefined) return undefined;
    return { policy, run: pod.run, node, finishedAt, text: await this.readLog(pod.name) };
  }

  listStartingReferences(): Promise<string[]> {
    return listStartingReferences(this.#api);
  }

  listWorkloadReferences(): Promise<string[]> {
    return listWorkloadReferences(this.#api);
  }

  /** The job comes after the pod, which waits for it, so that it can belong to the pod and go with it. */
  async createPlan({ name, policy, node, job, timeoutSeconds }: PlanOrder): Promise<void> {
    const namespace = this.#namespace;
    const { image, serviceAccount: serviceAccountName, logLevel } = this.#settings;
    const template = { namespace, image, serviceAccountName, logLevel };
    const body = buildPlanPod(name, policy, node, timeoutSeconds, template);
    const pod = await this.#api.call(`create pod ${name} on node ${node.name}`, [], () =>
      this.#api.core.createNamespacedPod({ namespace, body }),
    );
    const owner = { apiVersion: 'v1', kind: 'Pod', name, uid: pod?.metadata?.uid ?? '' };
    const metadata = { name, namespace, labels: labelsOf('plan', policy.name, name), ownerReferences: [owner] };
    const data = { 'job.json': JSON.stringify(job) };
    await this.#api.call(`create the job of pod ${name}`, [], () =>
      this.#api.core.createNamespacedConfigMap({ namespace, body: { metadata, data, immutable: true } }),
    );
  }

  async readPod(name: string): Promise<CleanerPod | undefined> {
    const namespace = this.#namespace;
    const read = () => this.#api.core.readNamespacedPod({ name, namespace });
    const pod = await this.#api.call(`read pod ${name}`, [404], read);
    return pod && readPod(pod);
  }

  async readLog(name: string): Promise<string> {
    const namespace = this.#namespace;
    const read = () => this.#api.core.readNamespacedPodLog({ name, namespace });
    return (await this.#api.call(`read the log of pod ${name}`, [400, 404], read)) ?? '';
  }

  readTrouble(pod: string): Promise<string | undefined> {
    return readTrouble(this.#api, this.#namespace, pod);
  }

  /** At once: it is in the middle of nothing that would have to be finished. */
  async deletePlan(name: string): Promise<void> {
    const namespace = this.#namespace;
    await this.#api.call(`delete pod ${name}, which is not needed any more`, [404], () =>
      this.#api.core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 }),
    );
    await this.#api.call(`delete ConfigMap ${name}, which is not needed any more`, [404], () =>
      this.#api.core.deleteNamespacedConfigMap({ name, namespace }),
    );
  }

  async listLeftovers(createdBefore: Date): Promise<string[]> {
    const pods = await this.#listPods({ [label.kind]: 'plan' });
    return pods
      .filter(({ status }) => status?.phase === 'Succeeded' || status?.phase === 'Failed')
      .filter(({ metadata }) => metadata?.creationTimestamp && metadata.creationTimestamp < createdBefore)
      .map(({ metadata }) => metadata?.name ?? '');
  }

  #listPods(labels: Readonly<Record<string, string>>): Promise<V1Pod[]> {
    const namespace = this.#namespace;
    const labelSelector = Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    return this.#api.listAll('pods', (page) => this.#api.core.listNamespacedPod({ ...page, namespace, labelSelector }));
  }
}

/** The scheduler's container as its Deployment has it: what is told to it is so for plans, too. */
async function readScheduler(api: KubernetesApi, namespace: string): Promise<SchedulerContainer> {
  const found = await api.call(`find the scheduler in namespace ${namespace}`, [], () =>
    api.apps.listNamespacedDeployment({ namespace, labelSelector: schedulerLabels }),
  );
  const containers = found?.items[0]?.spec?.template.spec?.containers ?? [];
  const container = containers.find(({ name }) => name === 'scheduler') ?? containers[0];
  if (container?.image === undefined) {
    throw new ClusterError(`there is no scheduler in namespace ${namespace}: name the namespace of yours with -n`);
  }
  return { image: container.image, args: container.args ?? [], environment: readEnvironment(container) };
}

/** What stands in the Deployment itself; what it takes from elsewhere is nothing that a plan needs. */
function readEnvironment({ env = [] }: V1Container): Record<string, string> {
  return Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
}

/** When the container of a pod ended; undefined where it has not. */
function finishOf({ status }: V1Pod): Date | undefined {
  const finishedAt = status?.containerStatuses?.[0]?.state?.terminated?.finishedAt;
  return finishedAt && new Date(finishedAt);
}
