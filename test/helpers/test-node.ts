import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { cacheDirectory } from '../cluster/cache.ts';
import { type FoundCrictl, findCrictl } from '../cluster/crictl.ts';
import { type LoneRuntime, type LoneRuntimeSpec, startLoneRuntime } from '../cluster/lone-runtime.ts';
import { buildRunnableImageSpec, type ImageSpec, type WrittenImage, writeImages } from './images.ts';

/** Tells the runtimes of several checkouts apart, of which each may run its tests. */
const checkout = createHash('sha256')
  .update(import.meta.dirname)
  .digest('hex')
  .slice(0, 6);

/** The place where the stand-in for crictl finds the Node.js it is written for. */
export const searchPath = `${dirname(process.execPath)}:${process.env.PATH}`;

/** Saves much of the time that starting a program takes. */
export const compileCache = fileURLToPath(new URL('../../node_modules/.cache/nodesweep', import.meta.url));

export interface PodOptions {
  /** True if the container is only created. */
  readonly created?: boolean;
  /** An image to mount as a volume. */
  readonly mountedImage?: string;
}

/** A real runtime, and all that a test of the cleaner does with it. */
export class TestNode {
  readonly lone: LoneRuntime;
  /** Path of the crictl that the cleaner uses. */
  readonly crictlPath: string;
  /** True if that is a Node.js program which stands in for crictl. */
  readonly isStandIn: boolean;
  /** For files of one test; emptied by `reset`. */
  scratch = '';
  readonly #directory: string;
  #pods = 0;

  /** Starts a runtime; for each checkout there is one of each name at a time. */
  static async start(name: string, spec: Omit<LoneRuntimeSpec, 'directory'>): Promise<TestNode> {
    const directory = await mkdtemp(join(tmpdir(), 'node-'));
    const lone = await startLoneRuntime({ ...spec, directory: join(cacheDirectory(), `${name}-${checkout}`) });
    const node = new TestNode(lone, await findCrictl(directory), directory);
    await node.reset();
    return node;
  }

  private constructor(lone: LoneRuntime, { path, isStandIn }: FoundCrictl, directory: string) {
    this.lone = lone;
    this.crictlPath = path;
    this.isStandIn = isStandIn;
    this.#directory = directory;
  }

  async stop(): Promise<void> {
    await this.lone.stop();
    await rm(this.#directory, { recursive: true });
  }

  /** The cleaner's directory on the image filesystem, as this machine sees it. */
  get stateDirectory(): string {
    return join(this.lone.visibleImageDirectory, 'nodesweep');
  }

  /** The same as the node sees it. */
  readonly stateDirectoryOnNode = '/var/lib/containerd/nodesweep';

  /** Removes all pods, all images but the pause image, and the history. */
  async reset(): Promise<void> {
    await this.crictl('rmp', '-a', '-f');
    const names = (await this.lone.ctr('images', 'list', '-q')).split('\n').filter((name) => !name.includes('pause'));
    const pause = await this.imageIdOf('localhost/pause:1');
    const removable = names.filter((name) => name !== '' && name !== pause);
    if (removable.length > 0) await this.lone.ctr('images', 'rm', '--sync', ...removable);
    await rm(this.stateDirectory, { recursive: true, force: true });
    await rm(this.scratch, { recursive: true, force: true });
    this.scratch = await mkdtemp(join(this.#directory, 'test-'));
  }

  async crictl(...args: readonly string[]): Promise<string> {
    const endpoint = `unix://${this.lone.socket}`;
    const { stdout } = await execa(this.crictlPath, ['-t', '60s', '-r', endpoint, '-i', endpoint, ...args], {
      env: { PATH: searchPath, NODE_COMPILE_CACHE: compileCache },
    });
    return stdout;
  }

  async importImages(specs: readonly ImageSpec[]): Promise<readonly WrittenImage[]> {
    const tar = join(this.scratch, 'images.tar');
    const images = await writeImages(tar, specs);
    await this.lone.importImages(tar, images);
    return images;
  }

  /** Imports images that can run; their program waits, or does what `command` says. */
  async importRunnables(names: readonly string[], command?: readonly string[]): Promise<readonly WrittenImage[]> {
    const { program } = this.lone;
    return this.importImages(await Promise.all(names.map((name) => buildRunnableImageSpec(name, program, command))));
  }

  /** Makes a pod as the kubelet does; returns the ID of its container, or of the pod where it has none. */
  async runPod(image?: string, options: PodOptions = {}): Promise<string> {
    const number = this.#pods++;
    const pod = await this.#writeConfig({
      metadata: { name: `pod-${number}`, namespace: 'default', uid: `uid-${number}`, attempt: 0 },
      linux: { security_context: { namespace_options: { network: 2 } } },
    });
    const sandbox = await this.crictl('runp', pod);
    if (image === undefined) return sandbox;
    const { mountedImage, created = false } = options;
    const config = await this.#writeConfig({
      metadata: { name: 'main', attempt: 0 },
      image: { image },
      ...(mountedImage && { mounts: [{ container_path: '/volume', image: { image: mountedImage }, readonly: true }] }),
      linux: {},
    });
    const container = await this.crictl('create', sandbox, config, pod);
    if (!created) await this.crictl('start', container);
    return container;
  }

  /** IDs of the images that the runtime lists. */
  async imageIds(): Promise<ReadonlySet<string>> {
    return new Set((await this.#images()).map(({ id }) => id));
  }

  async imageIdOf(name: string): Promise<string> {
    const image = (await this.#images()).find(({ repoTags }) => repoTags.includes(name));
    if (image === undefined) throw new Error(`the node has no image ${name}`);
    return image.id;
  }

  /** IDs of the images that have nothing else. */
  async namelessImageIds(): Promise<readonly string[]> {
    const images = await this.#images();
    return images.filter(({ repoTags, repoDigests }) => repoTags.length + repoDigests.length === 0).map(({ id }) => id);
  }

  /** Takes the names of an image away, as a runtime leaves it that is killed between two steps of a removal. */
  async takeNames(repository: string): Promise<void> {
    const images = await this.#images();
    const image = images.find(({ repoTags }) => repoTags.some((tag) => tag.startsWith(repository)));
    if (image === undefined) throw new Error(`there is no image of ${repository}`);
    await this.lone.ctr('images', 'rm', ...image.repoTags, ...image.repoDigests);
  }

  async #images(): Promise<readonly { id: string; repoTags: string[]; repoDigests: string[] }[]> {
    return JSON.parse(await this.crictl('images', '-o', 'json')).images;
  }

  async #writeConfig(config: object): Promise<string> {
    const file = join(await mkdtemp(join(this.scratch, 'config-')), 'config.json');
    await writeFile(file, JSON.stringify(config));
    return file;
  }
}
