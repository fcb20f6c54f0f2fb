import type { ClusterOptions } from './options.ts';
import type { PagePort } from './page/page-port.ts';
import type { PlanPort } from './plans/plan-port.ts';
import type { RecordsPort } from './records-port.ts';

/** The cluster and namespace of a command. */
export interface ClusterChoice extends ClusterOptions {
  readonly environment: NodeJS.ProcessEnv;
}

/** Opens the cluster for plans. Rejects with a ClusterError if it has no scheduler. */
export async function connectForPlans(choice: ClusterChoice): Promise<PlanPort> {
  const { openPlans } = await import('./plans/kubernetes-plans.ts');
  return openPlans(await configOf(choice), namespaceOf(choice));
}

/** The image of the scheduler. Rejects with a ClusterError if the cluster has no scheduler. */
export async function readSchedulerImage(choice: ClusterChoice): Promise<string> {
  const { openSchedulerImage } = await import('./plans/kubernetes-plans.ts');
  return openSchedulerImage(await configOf(choice), namespaceOf(choice));
}

/** Opens the cluster for policies and runs until `use` has ended. */
export async function withRecords<T>(choice: ClusterChoice, use: (cluster: RecordsPort) => Promise<T>): Promise<T> {
  const { openRecords } = await import('./kubernetes-records.ts');
  const cluster = openRecords(await configOf(choice), namespaceOf(choice));
  try {
    return await use(cluster);
  } finally {
    await cluster.close();
  }
}

/** Opens the cluster for the status page until `use` has ended. `use` also gets the namespace. */
export async function withPages(
  choice: ClusterChoice,
  use: (cluster: PagePort, namespace: string) => Promise<void>,
): Promise<void> {
  const { openPages } = await import('./page/kubernetes-page.ts');
  const namespace = namespaceOf(choice);
  const cluster = openPages(await configOf(choice), namespace);
  try {
    await use(cluster, namespace);
  } finally {
    await cluster.close();
  }
}

/** The namespace of the scheduler and its policies. */
export function namespaceOf({ namespace, environment }: ClusterChoice): string {
  return namespace ?? (environment.NODESWEEP_NAMESPACE || 'nodesweep');
}

async function configOf(choice: ClusterChoice) {
  const { loadKubeconfig } = await import('../../scheduler/kubernetes/kubeconfig.ts');
  return loadKubeconfig(choice, choice.environment);
}
