import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { LeaseStore } from '../lease.ts';
import type { Log } from '../log.ts';
import type { ReadCleanerLog } from '../page-logs.ts';
import { podTemplateOf, type Settings } from '../settings/settings.ts';
import { KubernetesApi, type ObservedCall } from './api/api.ts';
import { ClusterError, isTransient } from './api/error.ts';
import { KubernetesTransport } from './api/transport.ts';
import { readCleanerLog } from './cleaner-log.ts';
import { KubernetesCluster } from './cluster.ts';
import { loadKubeconfig } from './kubeconfig.ts';
import { KubernetesLeaseStore } from './lease.ts';

/** About 3,000 images. A longer log is cut off on the status page. */
const pageLogBytes = 1_000_000;

const namespaceFile = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** About 10,000 images. A longer list of candidates is cut off, and the cleaner keeps the others. */
const candidateLogBytes = 4_000_000;

/** A separate rate limit, so that no other request delays the lease. */
const leaseRate = 5;

/** Another one for the status page, which must not delay the work on nodes. */
const pageRate = 2;

/** Another one for lists of candidates, which come from all nodes of a run. */
const candidateRate = 20;

/** Interval of attempts to reach the API server during the start. */
const connectPauseMs = 5_000;

/** The environment of this process. In a pod, `hostname` is the name of the pod. */
export interface Place {
  readonly environment: NodeJS.ProcessEnv;
  readonly hostname: string;
}

export interface Connection {
  readonly cluster: KubernetesCluster;
  readonly leases: LeaseStore;
  /** The namespace of the policies, and of all objects that the scheduler creates. */
  readonly namespace: string;
  readonly readCleanerLog: ReadCleanerLog;
  /** Reads the log of a cleaner that has listed images. */
  readonly readCandidateLog: ReadCleanerLog;
}

/** Observes requests to the API server. */
export interface ConnectionObserver {
  readonly observeRequest: (request: ObservedCall) => void;
}

/**
 * Opens the cluster in which this process runs, or the one of `KUBECONFIG`. Waits for an API server that does not answer: a
 * process that ends instead is restarted with growing delays.
 */
export async function connectCluster(
  settings: Settings,
  { environment, hostname }: Place,
  log: Log,
  observer: ConnectionObserver,
): Promise<Connection> {
  const { sockets, stateDirectories, apiRate, workloadResources } = settings;
  const transport = new KubernetesTransport(loadKubeconfig({}, environment));
  const observe = observer.observeRequest;
  const api = new KubernetesApi({ transport, requestsPerSecond: apiRate, observe });
  const leaseApi = new KubernetesApi({ transport, requestsPerSecond: leaseRate, observe });
  const pageApi = new KubernetesApi({ transport, requestsPerSecond: pageRate, observe });
  const candidateApi = new KubernetesApi({ transport, requestsPerSecond: candidateRate, observe });
  const namespace = settings.namespace ?? (await ownNamespace());
  const image = settings.image ?? (await ownImage(api, { namespace, name: hostname }, log));
  const template = podTemplateOf(settings, namespace, image);
  const overrides = { sockets, stateDirectories };
  return {
    cluster: new KubernetesCluster({ api, template, overrides, workloadResources, log }),
    leases: new KubernetesLeaseStore(leaseApi, namespace),
    namespace,
    readCleanerLog: (pod) => readCleanerLog(pageApi, { namespace, pod, limitBytes: pageLogBytes }),
    readCandidateLog: (pod) => readCleanerLog(candidateApi, { namespace, pod, limitBytes: candidateLogBytes }),
  };
}

async function ownNamespace(): Promise<string> {
  try {
    return (await readFile(namespaceFile, 'utf8')).trim();
  } catch (cause) {
    throw new ClusterError('the namespace is unknown outside of a cluster: set NODESWEEP_NAMESPACE', { cause });
  }
}

const imageAdvice = 'the image of the cleaner pods is unknown: set NODESWEEP_IMAGE';

/** Rejects with a {@link ClusterError} if the API server refuses to return this pod. */
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
  // Other containers may be injected into the pod, even as the first one.
  const containers = pod?.spec?.containers ?? [];
  const image = (containers.find((container) => container.name === 'scheduler') ?? containers[0])?.image;
  if (image === undefined) throw new Error(`pod ${name} names no image`);
  return image;
}
