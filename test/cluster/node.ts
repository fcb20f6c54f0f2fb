import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { WrittenImage } from '../helpers/images.ts';
import type { Binaries } from './binaries.ts';
import { type Runtime, writeContainerdConfig } from './containerd.ts';
import { writeKubeletConfig } from './kubelet.ts';
import type { Network } from './network.ts';
import { startServer, stopServer } from './process.ts';
import { waitFor } from './wait.ts';

/** A node to start. */
export interface NodeSpec {
  readonly name: string;
  readonly runtime: Runtime;
  /** The runtime's socket as the node's pods see it; somewhere below /run. `/run/containerd/containerd.sock` */
  readonly socket?: string;
  /** Gives the images a filesystem of their own with this size, as mount(8) takes it for tmpfs: `500m`. None. */
  readonly imageFilesystemSize?: string;
}

/** A node that runs: containerd and kubelet in namespaces of their own. */
export interface ClusterNode {
  readonly name: string;
  readonly runtime: Runtime;
  /** The runtime's socket as this machine sees it. */
  readonly socket: string;
  /** The runtime's socket as the node's pods see it. */
  readonly socketOnNode: string;
  /** Where the images are, as this machine sees it (with a filesystem of their own: as the node alone sees it). */
  readonly imageDirectory: string;
  /** Runs a command among the node's processes and mounts, and returns what it prints. */
  readonly run: (command: string, ...arguments_: readonly string[]) => Promise<string>;
  /** Runs the runtime's own ctr where the kubelet's images are. */
  readonly ctr: (...arguments_: readonly string[]) => Promise<string>;
  /** Imports an image tar (OCI layout); returns when the runtime lists those images, which is a little later. */
  readonly importImages: (tar: string, images?: readonly WrittenImage[]) => Promise<void>;
  /** Stops the kubelet; containers go on. */
  readonly stopKubelet: () => Promise<void>;
  readonly startKubelet: () => Promise<void>;
}

interface NodeOptions {
  readonly directory: string;
  readonly binaries: Binaries;
  readonly network: Network;
  readonly port: number;
  readonly kubeconfig: string;
  readonly survives: boolean;
}

export const NODE_LABEL = 'nodesweep.io/test-node';

/** Starts a node; returns when its runtime answers and its kubelet has been started. */
export async function startNode(spec: NodeSpec, pauseImage: string, options: NodeOptions): Promise<ClusterNode> {
  const directory = join(options.directory, spec.name);
  const init = await startInit(spec, directory, options);
  const node = describeNode(spec, init, directory, options);
  await startContainerd(node, init, directory, options);
  await node.importImages(pauseImage);
  await node.startKubelet();
  return node;
}

async function startInit(spec: NodeSpec, directory: string, options: NodeOptions): Promise<number> {
  await mkdir(directory, { recursive: true });
  const script = join(import.meta.dirname, 'node-init.sh');
  const init = ['sh', script, directory, options.binaries.program, spec.imageFilesystemSize ?? ''];
  const pid = await startServer(options.directory, {
    name: spec.name,
    survives: options.survives,
    forks: true,
    command: ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--', ...init],
  });
  await waitFor(`the mounts of ${spec.name}`, 10_000, async () => existsSync(join(directory, 'mounted')) || undefined);
  return pid;
}

function describeNode(spec: NodeSpec, init: number, directory: string, options: NodeOptions): ClusterNode {
  const { name, runtime } = spec;
  const socketOnNode = spec.socket ?? '/run/containerd/containerd.sock';
  const run = async (command: string, ...arguments_: readonly string[]) => {
    const [file, ...rest] = inside(init, command, ...arguments_);
    return (await execa(file, rest, { cwd: '/' })).stdout;
  };
  const ctr = (...arguments_: readonly string[]) =>
    run(executable(runtime, 'ctr', options), '--address', socketOnNode, '--namespace', 'k8s.io', ...arguments_);
  return {
    name,
    runtime,
    socket: join(directory, socketOnNode),
    socketOnNode,
    imageDirectory: join(directory, 'containerd'),
    run,
    ctr,
    importImages: async (tar, images = []) => {
      await ctr('images', 'import', tar);
      await waitUntilListed(ctr, images);
    },
    stopKubelet: () => stopServer(options.directory, kubeletName(name)),
    startKubelet: () => startKubelet(name, socketOnNode, init, directory, options),
  };
}

/** The runtime makes a name of each image's ID when it takes notice of an import. */
async function waitUntilListed(ctr: ClusterNode['ctr'], images: readonly WrittenImage[]): Promise<void> {
  await waitFor('the runtime to list what was imported', 120_000, async () => {
    const names = new Set((await ctr('images', 'list', '--quiet')).split('\n'));
    return images.every(({ id }) => names.has(id)) || undefined;
  });
}

async function startContainerd(
  node: ClusterNode,
  init: number,
  directory: string,
  options: NodeOptions,
): Promise<void> {
  const config = await writeContainerdConfig(directory, node.socketOnNode, options.network);
  await startServer(options.directory, {
    name: `${node.name}-containerd`,
    survives: options.survives,
    forks: true,
    command: inside(init, executable(node.runtime, 'containerd', options), '--config', config),
    environment: { PATH: path(node.runtime, options) },
  });
  await waitFor(`containerd of ${node.name}`, 60_000, () => node.ctr('version'));
}

async function startKubelet(
  name: string,
  socket: string,
  init: number,
  directory: string,
  options: NodeOptions,
): Promise<void> {
  const { address } = options.network;
  const config = await writeKubeletConfig(directory, { socket, address, port: options.port });
  await startServer(options.directory, {
    name: kubeletName(name),
    survives: options.survives,
    forks: true,
    command: inside(
      init,
      join(options.binaries.kubernetes, 'kubelet'),
      `--config=${config}`,
      `--kubeconfig=${options.kubeconfig}`,
      `--hostname-override=${name}`,
      `--node-ip=${address}`,
      `--node-labels=${NODE_LABEL}=${name}`,
    ),
    environment: { PATH: SYSTEM_PATH },
  });
}

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function kubeletName(node: string): string {
  return `${node}-kubelet`;
}

/** Enters the namespaces that a node's first process is in. */
function inside(init: number, ...command: readonly string[]): [string, ...string[]] {
  return ['nsenter', '--target', String(init), '--mount', '--pid', '--', ...command];
}

function executable(runtime: Runtime, name: string, { binaries }: NodeOptions): string {
  return runtime === 'containerd-2' ? join(binaries.containerd, name) : join('/usr/bin', name);
}

/** containerd takes its shim from PATH, which has to be of its own version. */
function path(runtime: Runtime, { binaries }: NodeOptions): string {
  return runtime === 'containerd-2' ? `${binaries.containerd}:${SYSTEM_PATH}` : SYSTEM_PATH;
}
