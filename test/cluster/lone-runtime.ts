import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { buildRuntimeBinaries } from './binaries.ts';
import { removeContainerCgroups } from './cgroup.ts';
import type { Runtime } from './containerd.ts';
import { containerdName, enterNode, type StartedRuntime, startContainerd } from './node-servers.ts';
import { writePauseImage } from './pause.ts';
import { signalServer, stopServer, stopServers } from './process.ts';
import { describeRuntime, type RuntimeNode, startRuntime } from './runtime-node.ts';
import { waitFor } from './wait.ts';

export interface LoneRuntimeSpec {
  readonly runtime: Runtime;
  /** All that it writes is below it. One that is there already is stopped first. */
  readonly directory: string;
  /** Gives the images an ext4 filesystem of their own with this size, as truncate(1) takes it: `500M`. None. */
  readonly imageFilesystemSize?: string;
}

/** A runtime without a cluster: no kubelet, and pods with the machine's network. Its end is that of this process. */
export interface LoneRuntime extends RuntimeNode {
  /** Its image directory, also where that has a filesystem of its own, as this machine sees it while the node runs. */
  readonly visibleImageDirectory: string;
  /** The command that runs another one among the node's processes and mounts. */
  readonly enter: (...command: readonly string[]) => [file: string, ...string[]];
  /** The static program inside test images. */
  readonly program: string;
  /** Sends a signal to containerd: SIGSTOP freezes it, SIGCONT goes on. */
  readonly signal: (name: NodeJS.Signals) => Promise<void>;
  /** Kills containerd, as a crash does: containers go on. */
  readonly kill: () => Promise<void>;
  /** Starts containerd again; returns when it answers. */
  readonly restart: () => Promise<void>;
  /** Stops all of it and leaves the logs. */
  readonly stop: () => Promise<void>;
}

const NAME = 'node';

export async function startLoneRuntime(spec: LoneRuntimeSpec): Promise<LoneRuntime> {
  if (process.getuid?.() !== 0) throw new Error('A container runtime needs root: it has namespaces and mounts');
  const { directory, runtime, imageFilesystemSize } = spec;
  const binaries = await buildRuntimeBinaries();
  await stopLoneRuntime(directory);
  await rm(join(directory, 'logs'), { recursive: true, force: true });
  await mkdir(join(directory, NAME), { recursive: true });
  try {
    if (imageFilesystemSize) await makeImageFilesystem(join(directory, NAME), imageFilesystemSize);
    const pauseImage = await writePauseImage(directory, binaries.program);
    const started = await startRuntime(
      {
        name: NAME,
        runtime,
        socket: '/run/containerd/containerd.sock',
        imageFilesystemSize: '',
        directory: join(directory, NAME),
        clusterDirectory: directory,
        binaries,
        survives: false,
      },
      pauseImage,
    );
    return describe(started, binaries.program);
  } catch (error) {
    await stopLoneRuntime(directory);
    throw new Error(`The runtime did not start: see the logs in ${join(directory, 'logs')}`, { cause: error });
  }
}

/** The first process of the node mounts it. */
async function makeImageFilesystem(nodeDirectory: string, size: string): Promise<void> {
  const file = join(nodeDirectory, 'images.ext4');
  await execa('truncate', ['--size', size, file]);
  await execa('mkfs.ext4', ['-q', file]);
}

function describe(started: StartedRuntime, program: string): LoneRuntime {
  const { clusterDirectory: directory, init } = started;
  const node = describeRuntime(started);
  const server = containerdName(NAME);
  return {
    ...node,
    visibleImageDirectory: join('/proc', String(init), 'root/var/lib/containerd'),
    enter: (...command) => enterNode(started, ...command),
    program,
    signal: (name) => signalServer(directory, server, name),
    kill: async () => {
      await signalServer(directory, server, 'SIGKILL');
      await stopServer(directory, server);
    },
    restart: async () => {
      await startContainerd(started);
      await waitFor('containerd to answer again', 60_000, () => node.ctr('containers', 'list'));
    },
    stop: () => stopLoneRuntime(directory),
  };
}

/** Stops what was started in the directory, whoever did, and removes what it left, except its logs. */
export async function stopLoneRuntime(directory: string): Promise<void> {
  await stopServers(directory);
  const node = join(directory, NAME);
  await removeContainerCgroups(node);
  for (const entry of [node, join(directory, 'pids'), join(directory, 'pause.tar')]) {
    await rm(entry, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}
