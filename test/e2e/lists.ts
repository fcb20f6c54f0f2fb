import { execa } from 'execa';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { PrepullDocument } from '../../scheduler/prepull/policy.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { KubeletFields } from '../cluster/kubelet.ts';
import { type PrivateRegistry, startPrivateRegistry } from '../cluster/registry.ts';
import { waitFor } from '../cluster/wait.ts';
import { bundledProgram } from '../helpers/bundle.ts';
import { buildImageSpec, fillerLayers, type ImageSize } from '../helpers/images.ts';
import { type Installation, install, keepEvidence } from './installation.ts';
import { buildPolicy, getJson, namespace } from './objects.ts';

/** The Secret for the registry of the tests of image lists. */
export const registrySecret = 'lists-registry';

/** The annotation that asks for a run. */
export const runNow = { 'nodesweep.io/run-at': 'now' };

export type ImageList = PrepullDocument['lists'][number];

/** The nodes of one name. */
export function nodeNamed(name: string): ImageList['nodes'] {
  return { matchLabels: { 'kubernetes.io/hostname': name } };
}

/** A cluster with nodesweep, and a registry with a password. All names of images are below the path of one test file. */
export class ListBench {
  readonly installation: Installation;
  readonly cluster: Cluster;
  readonly registry: PrivateRegistry;
  readonly #path: string;

  constructor(installation: Installation, registry: PrivateRegistry, path: string) {
    if (installation.cluster === undefined) throw new Error('this needs a cluster whose nodes can be looked into');
    this.installation = installation;
    this.cluster = installation.cluster;
    this.registry = registry;
    this.#path = path;
  }

  /** The reference of an image of this file, by its short name. */
  nameOf(image: string): string {
    return `${this.registry.address}/${this.#path}/${image}:1`;
  }

  /** Pushes images with different layers, by their short names. */
  async push(images: readonly string[], size?: ImageSize): Promise<void> {
    const layers = (image: string) => fillerLayers(`${this.#path} ${image}`, size);
    await this.registry.push(
      images.map((image) => buildImageSpec({ names: [`${this.#path}/${image}:1`], layers: layers(image) })),
    );
  }

  /** Deletes the manifest of an image from the registry. */
  async deleteManifest(image: string): Promise<void> {
    const repository = `${this.#path}/${image}`;
    const names = await this.cluster.nodes[0]?.ctr('images', 'ls', '-q');
    const prefix = `${this.registry.address}/${repository}@`;
    const digest = names
      ?.split('\n')
      .find((name) => name.startsWith(prefix))
      ?.slice(prefix.length);
    if (digest === undefined) throw new Error(`no node has ${image} by its digest`);
    await this.registry.deleteManifest(repository, digest);
  }

  /** A list with the Secret of the registry. */
  listOf(name: string, images: readonly string[], more: Partial<ImageList> = {}): ImageList {
    return {
      name,
      images: images.map((image) => this.nameOf(image)),
      imagePullSecrets: [{ name: registrySecret }],
      ...more,
    };
  }

  /** Applies a policy that has no run by itself and whose images stay, unless it says otherwise. */
  applyLists(name: string, document: object, annotations: Readonly<Record<string, string>> = runNow): Promise<void> {
    const whole = { schedule: '@yearly', newNodes: false, removalPolicy: 'Retain', ...document };
    return this.installation.apply(buildPolicy(name, whole, annotations, 'prepull.yaml'));
  }

  /** The short names of the images of this file that a node has. */
  async imagesOn(node: string): Promise<string[]> {
    const listed = (await this.cluster.node(node).ctr('images', 'ls', '-q')).split('\n');
    const prefix = `${this.registry.address}/${this.#path}/`;
    const names = listed.filter((name) => name.startsWith(prefix) && name.endsWith(':1'));
    return names.map((name) => name.slice(prefix.length, -2)).sort();
  }

  /** The pullers of a policy that are there. */
  async pullersOf(policy: string) {
    const selector = `nodesweep.io/kind=puller,nodesweep.io/policy=${policy}`;
    return (await getJson(this.installation.kubectl, 'pods', selector)).items;
  }

  /** Starts the kubelet of a node again, with fields in place of those of the tests, and waits until the node is ready. */
  readonly restartKubelet = async (name: string, fields?: KubeletFields): Promise<void> => {
    const { kubectl } = this.installation;
    const node = this.cluster.node(name);
    await node.stopKubelet();
    // The kubelet writes times in whole seconds.
    const stoppedAt = Math.floor(Date.now() / 1_000) * 1_000;
    await node.startKubelet(fields);
    await waitFor(`the kubelet of ${name} to be back`, 120_000, async () => {
      const { status } = JSON.parse(await kubectl('get', 'node', name, '-o', 'json'));
      const ready = status.conditions.find(({ type }: { type: string }) => type === 'Ready');
      return (ready.status === 'True' && new Date(ready.lastHeartbeatTime).getTime() >= stoppedAt) || undefined;
    });
  };

  async deletePolicy(name: string): Promise<void> {
    await this.installation.kubectl('delete', 'configmap', '-n', namespace, name, '--ignore-not-found');
  }

  /** The command line of somebody who looks at the cluster from outside. */
  nodesweep(...arguments_: readonly string[]) {
    const env = { KUBECONFIG: this.cluster.kubeconfig };
    return execa(process.execPath, [bundledProgram(), ...arguments_], { reject: false, env });
  }
}

/** Opens the bench before the tests of a file, and tidies up after them. Returns a function for the bench. */
export function useLists(path: string): () => ListBench {
  let bench: ListBench | undefined;
  beforeAll(async () => {
    const installation = await install();
    if (installation.cluster === undefined) throw new Error('this needs a cluster whose nodes can be looked into');
    const registry = await startPrivateRegistry(installation.cluster.directory);
    await installation.apply(buildDockerSecret(registrySecret, registry.dockerConfig));
    bench = new ListBench(installation, registry, path);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail' && bench !== undefined) await keepEvidence(bench.installation, task.name);
  });
  afterAll(async () => {
    await bench?.installation.kubectl('delete', 'secret', '-n', namespace, registrySecret, '--ignore-not-found');
    await bench?.registry.stop();
  });
  return () => {
    if (bench === undefined) throw new Error('the bench is opened before the first test');
    return bench;
  };
}

/** A Secret for a registry. */
export function buildDockerSecret(name: string, dockerConfig: string, inNamespace = namespace): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: inNamespace },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': dockerConfig },
  };
}
