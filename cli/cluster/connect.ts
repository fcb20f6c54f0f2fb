import type { PagePort } from './page-port.ts';
import type { PlanPort } from './plans/plan-port.ts';
import type { RecordsPort } from './records-port.ts';

/** The cluster and namespace of a command. */
export interface ClusterChoice {
  /** The namespace of the scheduler and its policies. Default: the one of the environment, or `nodesweep`. */
  readonly namespace?: string | undefined;
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
  const { openPages } = await import('./kubernetes-page.ts');
  const namespace = namespaceOf(choice);
  const cluster = openPages(await configOf(choice), namespace);
  try {
    await use(cluster, namespace);
  } finally {
    await cluster.close();
  }
}

async function configOf({ environment }: ClusterChoice) {
  const { loadConfig } = await import('../../scheduler/kubernetes/connect.ts');
  return loadConfig('KUBERNETES_SERVICE_HOST' in environment);
}

function namespaceOf({ namespace, environment }: ClusterChoice): string {
  return namespace ?? (environment.NODESWEEP_NAMESPACE || 'nodesweep');
}
