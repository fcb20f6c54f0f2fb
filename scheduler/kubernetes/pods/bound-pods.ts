import type { V1Pod, V1PodSpec } from '@kubernetes/client-node';
import pMap from 'p-map';
import { type BoundPods, callConcurrency } from '../../cluster.ts';
import type { KubernetesApi } from '../api/api.ts';
import { SharedRead } from '../api/shared-read.ts';

/** Excludes pods that have ended, because they need no images. A terminating pod has not ended. */
const notEnded = 'status.phase!=Succeeded,status.phase!=Failed';

/**
 * Up to this number of nodes, the pods of each node are listed separately. The API server since 1.31 answers such a list
 * consistently from its cache, with an index by node; an older one reads all pods of the cluster each time.
 */
const maxSingleReads = 5;

/** Time for which a list of all pods is valid. The steps of a wave follow each other within this time. */
const maxAgeMs = 2_000;

/**
 * Reads the pods that are bound to nodes. The lists have no resource version, so that the API server answers with the
 * current state. With version 0 it may answer with a state of some minutes ago. Then images of newer pods would be removed.
 */
export class BoundPodReader {
  readonly #api: KubernetesApi;
  readonly #shared = new SharedRead(() => this.#listAll());
  #all: { readonly pods: ReadonlyMap<string, BoundPods>; readonly readAt: number } | undefined;

  constructor(api: KubernetesApi) {
    this.#api = api;
  }

  /** Returns an entry for each node. Rejects if the pods of any node can't be read. */
  async read(nodes: readonly string[]): Promise<ReadonlyMap<string, BoundPods>> {
    if (nodes.length > maxSingleReads) {
      const all = await this.#readAll();
      return new Map(nodes.map((node) => [node, all.get(node) ?? none]));
    }
    const read = async (node: string) => [node, await this.#readOne(node)] as const;
    return new Map(await pMap(nodes, read, { concurrency: callConcurrency }));
  }

  /** Lists without pages: a node has few pods, and the API server does not answer a list with pages from its cache. */
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

/** Counts pods by node, and keeps only their references. */
class Tally {
  readonly #nodes = new Map<string, { readonly references: Set<string>; count: number }>();
  /** Each text once, because most pods of a cluster run the same images. */
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

/** The references of all images of a pod: of containers of all kinds, and of volumes. */
function podReferences(spec: V1PodSpec | undefined): string[] {
  const containers = [
    ...(spec?.initContainers ?? []),
    ...(spec?.containers ?? []),
    ...(spec?.ephemeralContainers ?? []),
  ];
  const volumes = (spec?.volumes ?? []).map((volume) => volume.image?.reference);
  return [...containers.map(({ image }) => image), ...volumes].flatMap((reference) => reference || []);
}
