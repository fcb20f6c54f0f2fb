import type { V1ConfigMap } from '@kubernetes/client-node';
import { label } from '../../contract/labels.ts';
import type { KubernetesApi } from './api.ts';
import type { Collection } from './collection.ts';
import { ClusterError } from './error.ts';

/** The ConfigMaps that the scheduler keeps in its namespace. What it writes shows in the collection at once. */
export class ConfigMapStore {
  readonly #api: KubernetesApi;
  readonly #namespace: string;
  readonly #collection: Pick<Collection<V1ConfigMap, unknown>, 'apply' | 'forget'>;

  constructor(
    api: KubernetesApi,
    namespace: string,
    collection: Pick<Collection<V1ConfigMap, unknown>, 'apply' | 'forget'>,
  ) {
    this.#api = api;
    this.#namespace = namespace;
    this.#collection = collection;
  }

  /** Returns the version of the new one; undefined where one of that name exists. */
  async create(what: string, body: V1ConfigMap): Promise<string | undefined> {
    const call = { ...this.#target(), verb: 'create', body } as const;
    const created = await this.#api.call<V1ConfigMap>(what, ['AlreadyExists'], call);
    if (created !== undefined) this.#collection.apply(created);
    return created?.metadata?.resourceVersion;
  }

  /** Writes over one version and returns the next; undefined where it is not as it was thought to be, or is gone. */
  async replace(
    what: string,
    { metadata, ...body }: V1ConfigMap,
    resourceVersion: string,
  ): Promise<string | undefined> {
    const name = metadata?.name ?? '';
    const versioned = { ...body, metadata: { ...metadata, resourceVersion } };
    const call = { ...this.#target(name), verb: 'update', body: versioned } as const;
    const updated = await this.#api.call<V1ConfigMap>(what, ['NotFound', 'Conflict'], call);
    if (updated === undefined) await this.#refresh(name);
    else this.#collection.apply(updated);
    return updated?.metadata?.resourceVersion;
  }

  /** With everything that it owns. One that is gone is fine. */
  async delete(what: string, name: string): Promise<void> {
    const query = { propagationPolicy: 'Background' };
    await this.#api.call(what, ['NotFound'], { ...this.#target(name), verb: 'delete', query });
    this.#collection.forget(name);
  }

  /**
   * For a name that is taken: either the watch is late in telling of it, or it is none of ours. Throws a
   * {@link ClusterError} for one that was not made as this kind.
   */
  async expectOwn(name: string, kind: string): Promise<void> {
    const existing = await this.#read(name);
    if (existing === undefined) return;
    if (existing.metadata?.labels?.[label.kind] !== kind) {
      throw new ClusterError(`ConfigMap ${name} is in the way of the ${kind} of that name: delete or rename it`);
    }
    this.#collection.apply(existing);
  }

  /** The watch may be late in telling what is so. */
  async #refresh(name: string): Promise<void> {
    const current = await this.#read(name);
    if (current === undefined) this.#collection.forget(name);
    else this.#collection.apply(current);
  }

  #read(name: string): Promise<V1ConfigMap | undefined> {
    const call = { ...this.#target(name), verb: 'get' } as const;
    return this.#api.call<V1ConfigMap>(`read ConfigMap ${name}`, ['NotFound'], call);
  }

  #target(name?: string) {
    return { resource: 'configmaps', namespace: this.#namespace, name } as const;
  }
}
