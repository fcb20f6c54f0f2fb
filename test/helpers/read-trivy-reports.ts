import { KubeConfig } from '@kubernetes/client-node';
import { KubernetesApi } from '../../scheduler/kubernetes/api/api.ts';
import { KubernetesTransport } from '../../scheduler/kubernetes/api/transport.ts';
import { KubernetesReports } from '../../sets/kubernetes/trivy-reports.ts';

// Run as a process of its own, with a heap of its own: prints how many reports a cluster has, and the peak memory in MB.
const config = new KubeConfig();
config.loadFromString(process.argv[2] ?? '');
const api = new KubernetesApi({ transport: new KubernetesTransport(config), requestsPerSecond: 1000 });
const { reports } = await new KubernetesReports(api).readReports(new AbortController().signal);
console.log(reports.length, Math.round(process.resourceUsage().maxRSS / 1024));
await api.close();
