import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Network } from './network.ts';

/** containerd-1.6 is what Debian 12 has; containerd-2 is built from Go modules. */
export type Runtime = 'containerd-1.6' | 'containerd-2';

export const PAUSE_IMAGE = 'localhost/pause:1';

/**
 * Writes containerd's configuration, in the version that 1.6 and 2 both read, and returns its path. Without a network,
 * pods can only have the machine's.
 */
export async function writeContainerdConfig(directory: string, socket: string, network?: Network): Promise<string> {
  const networks = join(directory, 'cni');
  await mkdir(networks, { recursive: true });
  if (network) await writeFile(join(networks, '10-bridge.conflist'), JSON.stringify(podNetwork(directory, network)));
  const config = join(directory, 'containerd.toml');
  await writeFile(config, containerdConfig(socket, networks));
  return config;
}

function containerdConfig(socket: string, networks: string): string {
  return `version = 2

[grpc]
address = "${socket}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${PAUSE_IMAGE}"
stream_server_port = "0"
disable_apparmor = true
# Without CAP_SYS_RESOURCE no process may lower its score, and sandboxes would fail to start.
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "${networks}"
`;
}

/** Pods of all nodes are on one bridge; their addresses are given out in one directory, so that they stay distinct. */
function podNetwork(directory: string, network: Network) {
  const ipam = {
    type: 'host-local',
    dataDir: join(directory, '..', 'pod-addresses'),
    ranges: [[{ subnet: network.podRange, rangeStart: network.firstPodAddress, gateway: network.address }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  return {
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [{ type: 'bridge', bridge: network.bridge, ipam }],
  };
}
