import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { type Cluster, MIXED_NODES, startCluster } from '../cluster/cluster.ts';
import { bringProductImage } from '../cluster/product.ts';
import { progress } from '../cluster/progress.ts';
import { type Kubectl, namespace } from './objects.ts';
import { e2eDirectory } from './setup.ts';

/** nodesweep, installed on a cluster as the README says. */
export interface Installation {
  readonly kubectl: Kubectl;
  /** Applies objects with kubectl. */
  readonly apply: (...objects: readonly object[]) => Promise<void>;
  /** The cluster where it is one that the tests have started: only then can they look into its nodes. */
  readonly cluster: Cluster | undefined;
}

const manifests = join(import.meta.dirname, '../../manifests');
const deployment = 'deployment/nodesweep-scheduler';
/** A cleaner that can't start is given up sooner than by default, so that the tests don't wait. */
export const startTimeoutSeconds = 15;

let installation: Promise<Installation> | undefined;

/** Installs once for all tests: on the cluster of KUBECONFIG where that is set, else on one that is started. */
export function install(): Promise<Installation> {
  installation ??= process.env.KUBECONFIG === undefined ? installOnOwnCluster() : installOnGivenCluster();
  return installation;
}

async function installOnOwnCluster(): Promise<Installation> {
  const cluster = await startCluster({ nodes: MIXED_NODES, directory: e2eDirectory });
  await bringProductImage(cluster);
  return applyManifests(cluster.kubectl, cluster.kubeconfig, cluster);
}

async function installOnGivenCluster(): Promise<Installation> {
  progress(
    `Using the cluster of KUBECONFIG; its nodes must have, or be able to pull, the image that the manifests name`,
  );
  progress('Skipping what needs root on the nodes: images read back from the runtime, and a missing socket');
  const kubectl: Kubectl = async (...arguments_) => (await execa('kubectl', arguments_)).stdout;
  return applyManifests(kubectl, process.env.KUBECONFIG ?? '', undefined);
}

async function applyManifests(
  kubectl: Kubectl,
  kubeconfig: string,
  cluster: Cluster | undefined,
): Promise<Installation> {
  progress('Installing nodesweep: kubectl apply -k manifests');
  await kubectl('apply', '-k', manifests);
  await kubectl('set', 'env', '-n', namespace, deployment, `NODESWEEP_START_TIMEOUT_SECONDS=${startTimeoutSeconds}`);
  await kubectl('rollout', 'status', '-n', namespace, deployment, '--timeout=120s');
  const apply = async (...objects: readonly object[]) => {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    await execa('kubectl', ['--kubeconfig', kubeconfig, 'apply', '-f', '-'], { input });
  };
  return { kubectl, apply, cluster };
}

/** Keeps what tells why a test failed, as it is now, beside the logs of the cluster. */
export async function keepEvidence({ kubectl }: Installation, test: string): Promise<void> {
  const directory = join(e2eDirectory, 'logs', test.replaceAll(/\W+/g, '-').slice(0, 60));
  await mkdir(directory, { recursive: true });
  const pods = JSON.parse(await kubectl('get', 'pods', '-n', namespace, '-o', 'json'));
  for (const { metadata } of pods.items) {
    const log = await kubectl('logs', '-n', namespace, metadata.name).catch(String);
    await writeFile(join(directory, `${metadata.name}.log`), log);
  }
  await writeFile(
    join(directory, 'objects.yaml'),
    await kubectl('get', 'pods,configmaps,events', '-n', namespace, '-o', 'yaml'),
  );
  progress(`What the cluster knows of the failed test is in ${directory}`);
}
