import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig, type V1Pod } from '@kubernetes/client-node';
import type { LeaseStore } from '../lease.ts';
import type { Log } from '../log.ts';
import { podTemplateOf, type Settings } from '../settings.ts';
import { KubernetesApi, type ObservedCall } from './api.ts';
import { KubernetesCluster } from './cluster.ts';
import { ClusterError, isTransient } from './error.ts';
import { KubernetesLeaseStore } from './lease.ts';
import { KubernetesTransport } from './transport.ts';

const namespaceFile = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** Nothing else may hold up the lease, whatever there is to do. */
const leaseRate = 5;

/** An API server that is away is asked again so often while the process begins. */
const connectPauseMs = 5_000;

/** The place of this process. `hostname` is, inside a pod, the pod's name. */
export interface Place {
  readonly isInCluster: boolean;
  readonly hostname: string;
}

export interface Connection {
  readonly cluster: KubernetesCluster;
  readonly leases: LeaseStore;
}

/** Hears of requests to the API server. */
export interface ConnectionObserver {
  readonly observeRequest: (request: ObservedCall) => void;
}

/**
 * Opens the cluster this process runs in, else the one of `KUBECONFIG`. Waits for an API server that is away: a process that
 * ends instead is started again and again, ever later.
 */
export async function connectCluster(
  settings: Settings,
  { isInCluster, hostname }: Place,
  log: Log,
  observer: ConnectionObserver,
): Promise<Connection> {
  const { sockets, stateDirectories, apiRate, workloadResources } = settings;
  const transport = new KubernetesTransport(loadConfig(isInCluster));
  const observe = observer.observeRequest;
  const api = new KubernetesApi({ transport, requestsPerSecond: apiRate, observe });
  const leaseApi = new KubernetesApi({ transport, requestsPerSecond: leaseRate, observe });
  const namespace = settings.namespace ?? (await ownNamespace());
  const image = settings.image ?? (await ownImage(api, { namespace, name: hostname }, log));
  const template = podTemplateOf(settings, namespace, image);
  const overrides = { sockets, stateDirectories };
  return {
    cluster: new KubernetesCluster({ api, template, overrides, workloadResources, log }),
    leases: new KubernetesLeaseStore(leaseApi, namespace),
  };
}

/** That of the cluster this process runs in, else of `KUBECONFIG`. Throws a {@link ClusterError} where there is none. */
export function loadConfig(isInCluster: boolean): KubeConfig {
  const config = new KubeConfig();
  if (isInCluster) config.loadFromCluster();
  else config.loadFromDefault();
  if (config.getCurrentCluster() === null) {
    throw new ClusterError('no cluster to talk to: run inside one, or set KUBECONFIG to the file that names one');
  }
  return config;
}

async function ownNamespace(): Promise<string> {
  try {
    return (await readFile(namespaceFile, 'utf8')).trim();
  } catch (cause) {
    throw new ClusterError('the namespace is not known outside of a cluster: set NODESWEEP_NAMESPACE', { cause });
  }
}

const imageAdvice = 'the image of the cleaner pods is not known: set NODESWEEP_IMAGE';

/** Rejects with a {@link ClusterError} where the API server says that this pod can't be read. */
async function ownImage(api: KubernetesApi, pod: OwnPod, log: Log): Promise<string> {
  for (;;) {
    try {
      return await readImage(api, pod);
    } catch (cause) {
      if (!isTransient(cause)) throw new ClusterError(`${imageAdvice} (${String(cause)})`, { cause });
      log.warn({ err: cause }, `${imageAdvice}, or wait for the API server: ${String(cause)}`);
      await sleep(connectPauseMs);
    }
  }
}

interface OwnPod {
  readonly namespace: string;
  readonly name: string;
}

async function readImage(api: KubernetesApi, { namespace, name }: OwnPod): Promise<string> {
  const pod = await api.call<V1Pod>(`read pod ${name}`, [], { resource: 'pods', namespace, name, verb: 'get' });
  // Others may have put a container of theirs into the pod, even as the first.
  const containers = pod?.spec?.containers ?? [];
  const image = (containers.find((container) => container.name === 'scheduler') ?? containers[0])?.image;
  if (image === undefined) throw new Error(`pod ${name} names no image`);
  return image;
}
