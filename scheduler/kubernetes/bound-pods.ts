import type { V1Pod, V1PodSpec } from '@kubernetes/client-node';
import pMap from 'p-map';
import { type BoundPods, callConcurrency } from '../cluster.ts';
import type { KubernetesApi } from './api.ts';
import { SharedRead } from './shared-read.ts';

/** A pod that has ended needs its images no more. A pod that is about to be deleted has not ended. */
const notEnded = 'status.phase!=Succeeded,status.phase!=Failed';

/**
 * For so many nodes each is asked for on its own. From 1.31 on the API server answers that from its cache, by an index of
 * the node's name, and as it is now; an older one goes through all pods of the cluster each time.
 */
const maxSingleReads = 5;

/** A list of all pods counts for so long after it has been read: the steps of one wave follow each other closely. */
const maxAgeMs = 2_000;

/**
 * Reads which pods are bound to nodes. No version is asked for, so that the API server answers with what is so now: from its
 * cache (version 0) it may answer with what was so minutes ago, and the images of a pod bound since would go.
 */
export class BoundPodReader {
  readonly #api: KubernetesApi;
  readonly #shared = new SharedRead(() => this.#listAll());
  #all: { readonly pods: ReadonlyMap<string, BoundPods>; readonly readAt: number } | undefined;

  constructor(api: KubernetesApi) {
    this.#api = api;
  }

  /** Every one of the nodes is in the answer. Rejects where the pods of any of them can't be read. */
  async read(nodes: readonly string[]): Promise<ReadonlyMap<string, BoundPods>> {
    if (nodes.length > maxSingleReads) {
      const all = await this.#readAll();
      return new Map(nodes.map((node) => [node, all.get(node) ?? none]));
    }
    const read = async (node: string) => [node, await this.#readOne(node)] as const;
    return new Map(await pMap(nodes, read, { concurrency: callConcurrency }));
  }

  /** Not page by page: a list of pages is never answered from the cache, and a kubelet limits how many pods a node has. */
  async #readOne(node: string): Promise<BoundPods> {
    const query = { fieldSelector: `spec.nodeName=${node},${notEnded}` };
    const what = `list the pods bound to node ${node}`;
    const list = await this.#api.call<{ items: V1Pod[] }>(what, [], { resource: 'pods', verb: 'list', query });
    const tally = new Tally();
    for (const { spec } of list?.items ?? []) tally.add(spec);
    return tally.get(node);
  }

  async #readAll(): Promise<ReadonlyMap<string, BoundPods>> {
    if (this.#all !== undefined && performance.now() - this.#all.readAt <= maxAgeMs) return this.#all.pods;
    return this.#shared.read();
  }

  async #listAll(): Promise<ReadonlyMap<string, BoundPods>> {
    const tally = new Tally();
    const query = { fieldSelector: `spec.nodeName!=,${notEnded}` };
    for await (const { items } of this.#api.pages<V1Pod>({ resource: 'pods' }, query))
      for (const { spec } of items) tally.add(spec);
    this.#all = { pods: tally.all(), readAt: performance.now() };
    return this.#all.pods;
  }
}

const none: BoundPods = { references: [], count: 0 };

/** Counts pods by node, and keeps nothing of them but their references. */
class Tally {
  readonly #nodes = new Map<string, { readonly references: Set<string>; count: number }>();
  /** Each text is kept once: most pods of a cluster run the same images. */
  readonly #texts = new Map<string, string>();

  add(spec: V1PodSpec | undefined): void {
    const node = spec?.nodeName ?? '';
    const entry = this.#nodes.get(node) ?? { references: new Set(), count: 0 };
    this.#nodes.set(node, entry);
    entry.count += 1;
    for (const reference of podReferences(spec)) entry.references.add(this.#keepOnce(reference));
  }

  get(node: string): BoundPods {
    const entry = this.#nodes.get(node);
    return entry === undefined ? none : { references: [...entry.references].sort(), count: entry.count };
  }

  all(): ReadonlyMap<string, BoundPods> {
    return new Map([...this.#nodes.keys()].map((node) => [node, this.get(node)]));
  }

  #keepOnce(text: string): string {
    const known = this.#texts.get(text);
    if (known === undefined) this.#texts.set(text, text);
    return known ?? text;
  }
}

/** Every image of a pod: those of containers of all kinds, and those mounted as volumes. */
function podReferences(spec: V1PodSpec | undefined): string[] {
  const containers = [
    ...(spec?.initContainers ?? []),
    ...(spec?.containers ?? []),
    ...(spec?.ephemeralContainers ?? []),
  ];
  const volumes = (spec?.volumes ?? []).map((volume) => volume.image?.reference);
  return [...containers.map(({ image }) => image), ...volumes].flatMap((reference) => reference || []);
}
