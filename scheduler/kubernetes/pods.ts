import type { V1Pod } from '@kubernetes/client-node';
import { label } from '../../contract/labels.ts';
import type { CleanerPod } from '../objects.ts';
import { hasEnded } from '../pods/state.ts';
import type { KubernetesApi } from './api.ts';
import type { Collection } from './collection.ts';
import { ClusterError } from './error.ts';
import { explainRefusal } from './place-pod.ts';

/** The cleaner pods in the scheduler's namespace. What it does to them shows in the collection at once. */
export class PodStore {
  readonly #api: KubernetesApi;
  readonly #namespace: string;
  readonly #collection: Collection<V1Pod, CleanerPod>;

  constructor(api: KubernetesApi, namespace: string, collection: Collection<V1Pod, CleanerPod>) {
    this.#api = api;
    this.#namespace = namespace;
    this.#collection = collection;
  }

  /** One that exists already was created by a request whose answer was lost, or by another replica, and is taken over. */
  async create(what: string, body: { readonly metadata: { readonly name: string } }): Promise<void> {
    const call = { ...this.#target(), verb: 'create', body } as const;
    const created = await this.#api.call<V1Pod>(what, ['AlreadyExists'], call).catch((error) => {
      throw explainRefusal(error);
    });
    const pod = created ?? (await this.#read(body.metadata.name));
    if (pod !== undefined) this.#collection.apply(pod);
  }

  /** Throws a {@link ClusterError} where the pod is at work: the watch may be late in telling of it. */
  async expectEnded(name: string): Promise<void> {
    const pod = await this.#read(name);
    if (pod === undefined) return;
    this.#collection.apply(pod);
    const known = this.#collection.get(name);
    if (known !== undefined && !hasEnded(known)) throw new ClusterError(`pod ${name} has not ended yet`);
  }

  /** One that is gone is fine. */
  async delete(name: string): Promise<void> {
    const call = { ...this.#target(name), verb: 'delete' } as const;
    const deleted = await this.#api.call(`delete pod ${name}`, ['NotFound'], call);
    if (deleted === undefined) this.#collection.forget(name);
    else this.#collection.amend(name, markTerminating);
  }

  /** All pods of a run, in one call. */
  async deleteRun(run: string): Promise<void> {
    const query = { labelSelector: `${label.kind}=cleaner,${label.run}=${run}` };
    const call = { ...this.#target(), verb: 'deletecollection', query } as const;
    await this.#api.call(`delete the pods of run ${run}`, [], call);
    for (const pod of this.#collection.values()) if (pod.run === run) this.#collection.amend(pod.name, markTerminating);
  }

  #read(name: string): Promise<V1Pod | undefined> {
    return this.#api.call<V1Pod>(`read pod ${name}`, ['NotFound'], { ...this.#target(name), verb: 'get' });
  }

  #target(name?: string) {
    return { resource: 'pods', namespace: this.#namespace, name } as const;
  }
}

function markTerminating(pod: CleanerPod): CleanerPod {
  return { ...pod, deletionTimestamp: pod.deletionTimestamp ?? new Date() };
}
