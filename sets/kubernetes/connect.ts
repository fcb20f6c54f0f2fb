import { KubernetesApi } from '../../scheduler/kubernetes/api/api.ts';
import { KubernetesTransport } from '../../scheduler/kubernetes/api/transport.ts';
import { type ClusterFlags, loadKubeconfig } from '../../scheduler/kubernetes/kubeconfig.ts';

/** A producer is in no hurry, and the API server has others to serve. */
const requestsPerSecond = 20;

/** Opens the cluster around this process, or the one of a kubeconfig. Throws a ClusterError if there is none. */
export function connect(choice: ClusterFlags, environment: NodeJS.ProcessEnv): KubernetesApi {
  return new KubernetesApi({
    transport: new KubernetesTransport(loadKubeconfig(choice, environment)),
    requestsPerSecond,
  });
}
