import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import Docker from 'dockerode';
import { execa } from 'execa';
import { type ImageSpec, type WrittenImage, writeImages } from '../helpers/images.ts';
import { buildRuntimeBinaries } from './binaries.ts';
import { signalServer, startServer, stopServer, stopServers } from './process.ts';
import { waitFor } from './wait.ts';

export interface DockerSpec {
  /** All that it writes is below it. One that is there already is stopped first. */
  readonly directory: string;
  /** Gives the images an ext4 filesystem of their own with this size, as truncate(1) takes it: `500M`. None. */
  readonly imageFilesystemSize?: string;
}

/** Docker Engine in namespaces of its own, without a network. Its end is that of this process. */
export interface DockerEngine {
  readonly client: Docker;
  /** Its socket, as this machine sees it. */
  readonly socket: string;
  /** The place where its images are, as this machine sees it while it runs, also where that is a filesystem of its own. */
  readonly imageDirectory: string;
  /** The static program inside test images. */
  readonly program: string;
  /** Loads images, and returns when they are listed. Without names they are kept as well. */
  readonly load: (specs: readonly ImageSpec[]) => Promise<readonly WrittenImage[]>;
  /** Kills dockerd, as a crash does: containers go on. */
  readonly kill: () => Promise<void>;
  /** Starts dockerd again; returns when it answers. */
  readonly restart: () => Promise<void>;
  /** Stops all of it and leaves the logs. */
  readonly stop: () => Promise<void>;
}

const INIT = 'docker';
const SERVER = 'dockerd';
/** Of all containers: whatever is left in there when the engine is gone, is left over. */
const CGROUP = 'nodesweep-docker';

export async function startDocker({ directory, imageFilesystemSize }: DockerSpec): Promise<DockerEngine> {
  if (process.getuid?.() !== 0) throw new Error('Docker Engine needs root: it has namespaces and mounts');
  const { program } = await buildRuntimeBinaries();
  await stopDocker(directory);
  await rm(join(directory, 'logs'), { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  try {
    if (imageFilesystemSize) await makeImageFilesystem(directory, imageFilesystemSize);
    const init = await startInit(directory, program);
    const engine = describe(directory, init, program);
    await engine.restart();
    return engine;
  } catch (error) {
    await stopDocker(directory);
    throw new Error(`Docker Engine did not start: see the logs in ${join(directory, 'logs')}`, { cause: error });
  }
}

/** The first process mounts it. */
async function makeImageFilesystem(directory: string, size: string): Promise<void> {
  const file = join(directory, 'images.ext4');
  await execa('truncate', ['--size', size, file]);
  await execa('mkfs.ext4', ['-q', file]);
}

async function startInit(directory: string, program: string): Promise<number> {
  const init = ['sh', join(import.meta.dirname, 'docker-init.sh'), directory, program];
  const pid = await startServer(directory, {
    name: INIT,
    survives: false,
    forks: true,
    command: ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--', ...init],
  });
  await waitFor('the mounts of Docker Engine', 10_000, async () => existsSync(join(directory, 'mounted')) || undefined);
  return pid;
}

/** It takes no part in any network, and starts a containerd of its own, as it finds no other. */
function dockerdCommand(init: number): [file: string, ...string[]] {
  const enter = ['--target', String(init), '--mount', '--pid', '--'];
  const network = ['--bridge=none', '--iptables=false', '--ip6tables=false'];
  return ['nsenter', ...enter, 'dockerd', ...network, `--cgroup-parent=/${CGROUP}`, '--storage-driver=overlay2'];
}

function describe(directory: string, init: number, program: string): DockerEngine {
  const socket = join(directory, 'run/docker.sock');
  const client = new Docker({ socketPath: socket });
  return {
    client,
    socket,
    imageDirectory: join('/proc', String(init), 'root/var/lib/docker'),
    program,
    load: (specs) => load(client, join(directory, 'images.tar'), specs),
    kill: async () => {
      await signalServer(directory, SERVER, 'SIGKILL');
      await stopServer(directory, SERVER);
    },
    restart: async () => {
      await startServer(directory, { name: SERVER, survives: true, forks: true, command: dockerdCommand(init) });
      await waitFor('Docker Engine to answer', 60_000, () => client.ping());
    },
    stop: () => stopDocker(directory),
  };
}

async function load(client: Docker, tar: string, specs: readonly ImageSpec[]): Promise<readonly WrittenImage[]> {
  const images = await writeImages(tar, specs);
  const answer = await client.loadImage(tar, { quiet: true });
  const lines: { readonly error?: string }[] = await new Promise((resolve, reject) =>
    client.modem.followProgress(answer, (error, output) => (error ? reject(error) : resolve(output))),
  );
  const error = lines.find((line) => line.error)?.error;
  if (error !== undefined) throw new Error(`Docker Engine did not load ${tar}: ${error}`);
  return images;
}

/** Stops what was started in the directory, whoever did, and removes what it left, except its logs. */
export async function stopDocker(directory: string): Promise<void> {
  await stopServers(directory);
  await removeCgroups();
  for (const entry of await readdir(directory).catch(() => [])) {
    if (entry !== 'logs')
      await rm(join(directory, entry), { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** Those of containers that were killed with their engine. What is in use by another one can't be removed, and stays. */
async function removeCgroups(): Promise<void> {
  const root = '/sys/fs/cgroup';
  const hierarchies = await readdir(root);
  for (const parent of [CGROUP, ...hierarchies.map((name) => join(name, CGROUP))].map((path) => join(root, path))) {
    const children = (await readdir(parent, { withFileTypes: true }).catch(() => [])).filter((entry) =>
      entry.isDirectory(),
    );
    for (const path of [...children.map(({ name }) => join(parent, name)), parent]) await rmdir(path).catch(() => {});
  }
}
