import type { V1ConfigMap } from '@kubernetes/client-node';
import { label } from '../../contract/labels.ts';
import type { KubernetesApi } from './api/api.ts';
import type { Collection } from './api/collection.ts';
import { ClusterError } from './api/error.ts';

/** The object, and perhaps the version, that may be deleted. */
export interface Preconditions {
  readonly uid: string;
  readonly resourceVersion?: string;
}

/** The ConfigMaps in the scheduler's namespace. The collection shows a write immediately. */
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

  /** Returns the version of the new object; undefined if one with this name exists. */
  async create(what: string, body: V1ConfigMap): Promise<string | undefined> {
    const call = { ...this.#target(), verb: 'create', body } as const;
    const created = await this.#api.call<V1ConfigMap>(what, ['AlreadyExists'], call);
    if (created !== undefined) this.#collection.apply(created);
    return created?.metadata?.resourceVersion;
  }

  /** Replaces a version and returns the next one; undefined if the object has another version, or is gone. */
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

  /**
   * Deletes an object and all objects that it owns. Succeeds if the object is gone. With preconditions, it does not delete
   * another object or version of this name, and succeeds too.
   */
  async delete(what: string, name: string, preconditions?: Preconditions): Promise<void> {
    const query = { propagationPolicy: 'Background' };
    const body = preconditions && { kind: 'DeleteOptions', apiVersion: 'v1', preconditions };
    const call = { ...this.#target(name), verb: 'delete', query, ...(body && { body }) } as const;
    await this.#api.call(what, preconditions === undefined ? ['NotFound'] : ['NotFound', 'Conflict'], call);
    if (preconditions === undefined) this.#collection.forget(name);
    else await this.#refresh(name);
  }

  /** True if there is a ConfigMap of this name, of any kind. */
  async exists(name: string): Promise<boolean> {
    return (await this.#read(name)) !== undefined;
  }

  /**
   * Reads an object whose name is in use: the watch may be late, or another owner may have created the object. Throws a
   * {@link ClusterError} if it is of another kind.
   */
  async expectOwn(name: string, kind: string): Promise<void> {
    const existing = await this.#read(name);
    if (existing === undefined) return;
    if (existing.metadata?.labels?.[label.kind] !== kind) {
      throw new ClusterError(`ConfigMap ${name} has the name of a ${kind}: delete it, or rename the policy`);
    }
    this.#collection.apply(existing);
  }

  /** Reads the current state, because the watch may be late. */
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
