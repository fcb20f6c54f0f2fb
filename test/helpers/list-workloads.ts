import { KubeConfig } from '@kubernetes/client-node';
import { KubernetesApi } from '../../scheduler/kubernetes/api/api.ts';
import { KubernetesTransport } from '../../scheduler/kubernetes/api/transport.ts';
import { listWorkloadReferences } from '../../scheduler/kubernetes/workload-references.ts';

// Run as a process of its own, with a heap of its own: prints how many images the workloads of a cluster name.
const config = new KubeConfig();
config.loadFromString(process.argv[2] ?? '');
const api = new KubernetesApi({ transport: new KubernetesTransport(config), requestsPerSecond: 1000 });
console.log((await listWorkloadReferences(api, [])).length);
await api.close();
