import { join } from 'node:path';
import { execa } from 'execa';
import type { WrittenImage } from '../helpers/images.ts';
import type { Runtime } from './containerd.ts';
import {
  enterNode,
  type RuntimeSettings,
  runtimeExecutable,
  type StartedRuntime,
  startContainerd,
  startInit,
} from './node-servers.ts';
import { waitFor } from './wait.ts';

/** A container runtime that runs, in namespaces of its own. */
export interface RuntimeNode {
  readonly name: string;
  readonly runtime: Runtime;
  /** The runtime's socket as this machine sees it. */
  readonly socket: string;
  /** The runtime's socket as the node's pods see it. */
  readonly socketOnNode: string;
  /** The place where the images are, as this machine sees it (with a filesystem of their own: as the node alone sees it). */
  readonly imageDirectory: string;
  /** Runs a command among the node's processes and mounts, and returns what it prints. */
  readonly run: (command: string, ...arguments_: readonly string[]) => Promise<string>;
  /** Runs the runtime's own ctr where the kubelet's images are. */
  readonly ctr: (...arguments_: readonly string[]) => Promise<string>;
  /** Imports an image tar (OCI layout); returns when the runtime lists those images, which is a little later. */
  readonly importImages: (tar: string, images?: readonly WrittenImage[]) => Promise<void>;
}

/** Starts a node that is a runtime and nothing else; returns when it answers. */
export async function startRuntime<Settings extends RuntimeSettings>(
  settings: Settings,
  pauseImage: string,
): Promise<Settings & StartedRuntime> {
  const started = { ...settings, init: await startInit(settings) };
  const node = describeRuntime(started);
  await startContainerd(started);
  await waitFor(`containerd of ${node.name}`, 60_000, () => node.ctr('version'));
  await node.importImages(pauseImage);
  return started;
}

/** All that can be done with a runtime that has been started, by this process or another. */
export function describeRuntime(started: StartedRuntime): RuntimeNode {
  const { name, runtime, directory } = started;
  const socketOnNode = started.socket;
  const run: RuntimeNode['run'] = async (command, ...arguments_) => {
    const [file, ...rest] = enterNode(started, command, ...arguments_);
    return (await execa(file, rest, { cwd: '/' })).stdout;
  };
  const ctr: RuntimeNode['ctr'] = (...arguments_) =>
    run(runtimeExecutable(started, 'ctr'), '--address', socketOnNode, '--namespace', 'k8s.io', ...arguments_);
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
  };
}

/** The runtime makes a name of each image's ID when it takes notice of an import. */
async function waitUntilListed(ctr: RuntimeNode['ctr'], images: readonly WrittenImage[]): Promise<void> {
  await waitFor('the runtime to list what was imported', 120_000, async () => {
    const names = new Set((await ctr('images', 'list', '--quiet')).split('\n'));
    return images.every(({ id }) => names.has(id)) || undefined;
  });
}
