import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { parse } from 'yaml';
import { BareApi } from '../cluster/api.ts';
import { cacheDirectory } from '../cluster/cache.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { type FoundCrictl, findCrictl } from '../cluster/crictl.ts';
import { bringProductImage } from '../cluster/product.ts';
import { progress } from '../cluster/progress.ts';
import { type Registry, startOpenRegistry } from '../cluster/registry.ts';
import { buildImageSpec, fillerLayers } from '../helpers/images.ts';
import { compileCache, searchPath } from '../helpers/test-node.ts';
import { CONFIG_MAPS, createPolicy, PODS } from './fan-out.ts';
import { profilePuller, type Span } from './pod-profile.ts';

/** The end of a run, as its record shows it. */
export interface Verdict {
  readonly run: string;
  readonly phase: string;
  /** The time at which the record had it, in milliseconds since the epoch. */
  readonly at: number;
  /** The scheduled time of the run, for a run that has one. */
  readonly slot: Date | undefined;
}

const manifests = join(import.meta.dirname, '../../manifests');
const nodeName = 'node-1';

/** A real cluster of one node with the product installed, a registry, and the crictl with which it is compared. */
export class PrepullBench {
  readonly crictl: FoundCrictl;
  readonly #cluster: Cluster;
  readonly #registry: Registry;
  readonly #api: BareApi;

  static async start(): Promise<PrepullBench> {
    const directory = join(cacheDirectory(), 'bench-prepull');
    const cluster = await startCluster({ nodes: [{ name: nodeName, runtime: 'containerd-1.6' }], directory });
    const bench = await PrepullBench.#install(cluster).catch(async (error) => {
      await cluster.stop();
      throw error;
    });
    return bench;
  }

  static async #install(cluster: Cluster): Promise<PrepullBench> {
    await bringProductImage(cluster);
    progress('Installing nodesweep');
    await cluster.kubectl('apply', '-k', manifests);
    const deployment = ['-n', 'nodesweep', 'deployment/nodesweep-scheduler'];
    await cluster.kubectl('rollout', 'status', '--timeout=180s', ...deployment);
    const registry = await startOpenRegistry(cluster.directory);
    const api = await BareApi.open(cluster.kubeconfig);
    return new PrepullBench(cluster, registry, api, await findCrictl(cluster.directory));
  }

  private constructor(cluster: Cluster, registry: Registry, api: BareApi, crictl: FoundCrictl) {
    this.crictl = crictl;
    this.#cluster = cluster;
    this.#registry = registry;
    this.#api = api;
  }

  async stop(): Promise<void> {
    this.#api.close();
    await this.#registry.stop();
    await this.#cluster.stop();
  }

  /** The number of requests to the registry so far. */
  countRequests(): Promise<number> {
    return this.#registry.countRequests();
  }

  /** Pushes images of 10 MB that no other image shares a layer with, and returns their references. */
  async push(repository: string, count: number): Promise<readonly string[]> {
    const size = { layers: 1, filesPerLayer: 10, bytesPerFile: 1_000_000 };
    const names = Array.from({ length: count }, (_, index) => `${repository}-${index}:1`);
    await this.#registry.push(names.map((name) => buildImageSpec({ names: [name], layers: fillerLayers(name, size) })));
    return names.map((name) => `${this.#registry.address}/${name}`);
  }

  /** Pulls images one after the other, each with a crictl of its own. Returns the time in ms. */
  async pullEach(images: readonly string[]): Promise<number> {
    const startedAt = performance.now();
    for (const image of images) await this.#runCrictl('pull', image);
    return performance.now() - startedAt;
  }

  /** The time that so many crictls take to start and end, in ms. */
  async startEach(count: number): Promise<number> {
    const startedAt = performance.now();
    for (let index = 0; index < count; index++) await this.#runCrictl('version');
    return performance.now() - startedAt;
  }

  /** Creates a policy of one list, and returns the ends of its runs as they come. */
  async follow(
    policy: string,
    images: readonly string[],
    document: object,
    annotations: object = {},
  ): Promise<AsyncIterableIterator<Verdict>> {
    const verdicts = new VerdictQueue();
    const stop = await this.#api.watch(CONFIG_MAPS, (_type, { metadata, data }) => {
      if (metadata.labels?.['nodesweep.io/policy'] === policy) verdicts.read(data?.['run.yaml']);
    });
    verdicts.onReturn = async () => {
      stop();
      await this.#api.call('DELETE', `${CONFIG_MAPS}/${policy}`);
    };
    const lists = [{ name: 'bench', images }];
    const full = { newNodes: false, removalPolicy: 'Retain', disk: { maxPercent: 100 }, lists, ...document };
    await createPolicy(this.#api, policy, full, annotations, 'prepull.yaml');
    return verdicts;
  }

  /** The parts of the time of a run, in ms. */
  async profile(run: string, span: Span): Promise<Readonly<Record<string, number>>> {
    const log = await readFile(join(this.#cluster.directory, 'logs', `${nodeName}-containerd.log`), 'utf8');
    return profilePuller(log, run, span);
  }

  /** The pods of a policy as the API server stores them, in bytes. */
  async readPodBytes(policy: string): Promise<readonly number[]> {
    const selector = encodeURIComponent(`nodesweep.io/policy=${policy}`);
    const { items } = await this.#api.get<{ items: object[] }>(`${PODS}?labelSelector=${selector}`);
    return items.map((item) => JSON.stringify(item).length);
  }

  /** The number of containers on the node, and the disk space that images, containers and pods take there. */
  async readNodeUsage(): Promise<{ readonly containers: number; readonly bytes: number }> {
    const node = this.#cluster.node(nodeName);
    const containers = (await node.ctr('containers', 'list', '--quiet')).split('\n').filter((id) => id !== '').length;
    const directories = ['/var/lib/containerd', '/var/lib/kubelet/pods', '/var/log/pods'];
    const usage = await node.run('sh', '-c', `du -scB1 ${directories.join(' ')} 2>/dev/null | tail -1`);
    return { containers, bytes: Number.parseInt(usage, 10) };
  }

  async #runCrictl(...args: readonly string[]): Promise<void> {
    const endpoint = `unix://${this.#cluster.node(nodeName).socket}`;
    await execa(this.crictl.path, ['-t', '600s', '-r', endpoint, '-i', endpoint, ...args], {
      env: { PATH: searchPath, NODE_COMPILE_CACHE: compileCache },
    });
  }
}

/** The ends of runs, each once, in the order in which their records have them. */
class VerdictQueue implements AsyncIterableIterator<Verdict> {
  onReturn: () => Promise<void> = async () => {};
  readonly #seen = new Set<string>();
  readonly #verdicts: Verdict[] = [];
  #notify: () => void = () => {};

  read(record: string | undefined): void {
    const at = Date.now();
    const { run, phase, trigger } = parse(record ?? '') ?? {};
    if ((phase !== 'Succeeded' && phase !== 'Failed') || this.#seen.has(run)) return;
    this.#seen.add(run);
    this.#verdicts.push({ run, phase, at, slot: trigger.slot === undefined ? undefined : new Date(trigger.slot) });
    this.#notify();
  }

  async next(): Promise<IteratorResult<Verdict>> {
    for (;;) {
      const value = this.#verdicts.shift();
      if (value !== undefined) return { value, done: false };
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#notify = resolve;
      await promise;
    }
  }

  async return(): Promise<IteratorResult<Verdict>> {
    await this.onReturn();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Verdict> {
    return this;
  }
}
