import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { NodeSettings } from './node-servers.ts';

/** Fields of a KubeletConfiguration that replace those of the tests. */
export type KubeletFields = Readonly<Record<string, unknown>>;

/** Writes a kubelet's configuration and returns its path. */
export async function writeKubeletConfig(node: NodeSettings, fields: KubeletFields): Promise<string> {
  const path = join(node.directory, 'kubelet.yaml');
  await writeFile(path, stringify({ ...kubeletConfig(node), ...fields }));
  return path;
}

function kubeletConfig({ socket, network: { address }, port, imageFilesystemMinimum }: NodeSettings) {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${socket}`,
    address,
    port,
    // Renewed four times as often, so that the controller manager can soon tell that it is not.
    nodeLeaseDurationSeconds: 16,
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
    // Nothing answers there, so a lookup fails at once: there is no DNS, and no registry to be found by it.
    clusterDNS: [address],
    resolvConf: '',
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
    // The kubelet must not clean behind the tests' back.
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: { 'memory.available': '1Mi', 'imagefs.available': imageFilesystemMinimum },
    evictionPressureTransitionPeriod: '5s',
  };
}
