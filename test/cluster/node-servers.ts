import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries, RuntimeBinaries } from './binaries.ts';
import { type Runtime, writeContainerdConfig } from './containerd.ts';
import { type KubeletFields, writeKubeletConfig } from './kubelet.ts';
import type { Network } from './network.ts';
import { startServer } from './process.ts';
import { waitFor } from './wait.ts';

/** All that a node's runtime is started with. */
export interface RuntimeSettings {
  readonly name: string;
  readonly runtime: Runtime;
  /** The runtime's socket, as the node sees it. */
  readonly socket: string;
  /** Size of the images' own filesystem; empty: none. */
  readonly imageFilesystemSize: string;
  readonly directory: string;
  /** The place where logs and pids are kept, of all nodes. */
  readonly clusterDirectory: string;
  readonly binaries: RuntimeBinaries;
  readonly network?: Network;
  readonly survives: boolean;
}

/** All that a node's servers are started with. */
export interface NodeSettings extends RuntimeSettings {
  /** The space that must be available on the images' filesystem, as the kubelet's `imagefs.available`; below it: DiskPressure. */
  readonly imageFilesystemMinimum: string;
  /** The kubelet's. */
  readonly port: number;
  /** The kubelet's. */
  readonly kubeconfig: string;
  readonly binaries: Binaries;
  readonly network: Network;
}

export interface StartedRuntime extends RuntimeSettings {
  /** Pid of the node's first process. */
  readonly init: number;
}

export type StartedNode = NodeSettings & StartedRuntime;

export const NODE_LABEL = 'nodesweep.io/test-node';

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Starts the first process of a node: its end is the end of everything in the node. Returns its pid. */
export async function startInit(node: RuntimeSettings): Promise<number> {
  await mkdir(node.directory, { recursive: true });
  const script = join(import.meta.dirname, 'node-init.sh');
  const init = ['sh', script, node.directory, node.binaries.program, node.imageFilesystemSize];
  const pid = await startServer(node.clusterDirectory, {
    name: node.name,
    survives: node.survives,
    forks: true,
    command: ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--', ...init],
  });
  const mounted = join(node.directory, 'mounted');
  await waitFor(`the mounts of ${node.name}`, 10_000, async () => existsSync(mounted) || undefined);
  return pid;
}

export async function startContainerd(node: StartedRuntime): Promise<void> {
  const config = await writeContainerdConfig(node.directory, node.socket, node.network);
  // containerd takes its shim from PATH, which has to be of its own version.
  const path = node.runtime === 'containerd-2' ? `${node.binaries.containerd}:${SYSTEM_PATH}` : SYSTEM_PATH;
  await startInNode(node, containerdName(node.name), path, runtimeExecutable(node, 'containerd'), '--config', config);
}

export async function startKubelet(node: StartedNode, fields: KubeletFields = {}): Promise<void> {
  await startInNode(
    node,
    kubeletName(node.name),
    SYSTEM_PATH,
    join(node.binaries.kubernetes, 'kubelet'),
    `--config=${await writeKubeletConfig(node, fields)}`,
    `--kubeconfig=${node.kubeconfig}`,
    `--hostname-override=${node.name}`,
    `--node-ip=${node.network.address}`,
    `--node-labels=${NODE_LABEL}=${node.name}`,
  );
}

export function containerdName(node: string): string {
  return `${node}-containerd`;
}

export function kubeletName(node: string): string {
  return `${node}-kubelet`;
}

/** The command that runs another one in the namespaces of a node. */
export function enterNode({ init }: StartedRuntime, ...command: readonly string[]): [file: string, ...string[]] {
  return ['nsenter', '--target', String(init), '--mount', '--pid', '--', ...command];
}

/** Debian's executable, or the one built here. */
export function runtimeExecutable({ runtime, binaries }: RuntimeSettings, name: string): string {
  return runtime === 'containerd-2' ? join(binaries.containerd, name) : join('/usr/bin', name);
}

/** Whoever starts it, it lives as long as the node: a test may start a kubelet again and end before the next test. */
async function startInNode(
  node: StartedRuntime,
  name: string,
  path: string,
  ...command: readonly string[]
): Promise<void> {
  await startServer(node.clusterDirectory, {
    name,
    survives: true,
    forks: true,
    command: enterNode(node, ...command),
    environment: { PATH: path },
  });
}
