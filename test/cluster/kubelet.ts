import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';

/** Writes a kubelet's configuration and returns its path. */
export async function writeKubeletConfig(directory: string, options: KubeletOptions): Promise<string> {
  const path = join(directory, 'kubelet.yaml');
  await writeFile(path, stringify(kubeletConfig(options)));
  return path;
}

interface KubeletOptions {
  /** Of the container runtime. */
  readonly socket: string;
  readonly address: string;
  readonly port: number;
}

function kubeletConfig({ socket, address, port }: KubeletOptions) {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${socket}`,
    address,
    port,
    readOnlyPort: 0,
    healthzPort: 0,
    // Only this machine and the cluster's own pods reach the address.
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    // Cgroups: works with either version, without systemd, and without changing what the machine has.
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    makeIPTablesUtilChains: false,
    localStorageCapacityIsolation: false,
    // Nothing answers there, so a lookup fails at once: there is no DNS, and no registry to be found by it.
    clusterDNS: [address],
    resolvConf: '',
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
    // The kubelet must not clean behind the tests' back.
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: { 'memory.available': '1Mi' },
  };
}
