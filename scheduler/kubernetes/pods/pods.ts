import type { V1Pod } from '@kubernetes/client-node';
import pMap from 'p-map';
import { label } from '../../../contract/labels.ts';
import { callConcurrency } from '../../cluster.ts';
import type { RunPod } from '../../objects.ts';
import { hasEnded } from '../../pods/state.ts';
import type { KubernetesApi } from '../api/api.ts';
import type { Collection } from '../api/collection.ts';
import { ClusterError } from '../api/error.ts';
import { instantOf } from '../instant.ts';
import { explainRefusal } from './place-pod.ts';

/** The maximum number of pods that a deletion of all others names. The names are part of a URL. */
const maxNamed = 50;

/** The pods of runs in the scheduler's namespace. A change shows in the collection at once. */
export class PodStore {
  readonly #api: KubernetesApi;
  readonly #namespace: string;
  readonly #collection: Collection<V1Pod, RunPod>;

  constructor(api: KubernetesApi, namespace: string, collection: Collection<V1Pod, RunPod>) {
    this.#api = api;
    this.#namespace = namespace;
    this.#collection = collection;
  }

  /**
   * Creates a pod, and returns the time in it. Adopts an existing one, and then returns undefined: another replica, or a request
   * without an answer, has created it.
   */
  async create(what: string, body: { readonly metadata: { readonly name: string } }): Promise<Date | undefined> {
    const call = { ...this.#target(), verb: 'create', body } as const;
    const created = await this.#api.call<V1Pod>(what, ['AlreadyExists'], call).catch((error) => {
      throw explainRefusal(error);
    });
    const pod = created ?? (await this.#read(body.metadata.name));
    if (pod !== undefined) this.#collection.apply(pod);
    return created && instantOf(created.metadata?.creationTimestamp);
  }

  /** Deletes a pod that has ended. Throws a {@link ClusterError} if it still runs, because the watch may be late. */
  async expectEnded(name: string): Promise<void> {
    const pod = await this.#read(name);
    if (pod === undefined) return;
    this.#collection.apply(pod);
    const known = this.#collection.get(name);
    if (known !== undefined && !hasEnded(known)) throw new ClusterError(`pod ${name} has not ended yet`);
  }

  /** Deletes a pod. Succeeds if it is gone. */
  async delete(name: string): Promise<void> {
    const call = { ...this.#target(name), verb: 'delete' } as const;
    const deleted = await this.#api.call(`delete pod ${name}`, ['NotFound'], call);
    if (deleted === undefined) this.#collection.forget(name);
    else this.#collection.amend(name, markTerminating);
  }

  /** Deletes all pods of a run but the `kept` ones, in one call if it can name these. */
  async deleteRun(run: string, kept: readonly string[]): Promise<void> {
    const others = this.#collection.values().filter((pod) => pod.run === run && !kept.includes(pod.name));
    if (kept.length > maxNamed) return this.#deleteEach(others.map(({ name }) => name));
    const labelSelector = `${label.kind} in (cleaner,puller),${label.run}=${run}`;
    const fieldSelector = kept.map((name) => `metadata.name!=${name}`).join(',');
    const query = { labelSelector, ...(fieldSelector !== '' && { fieldSelector }) };
    const call = { ...this.#target(), verb: 'deletecollection', query } as const;
    await this.#api.call(`delete the pods of run ${run}`, [], call);
    for (const { name } of others) this.#collection.amend(name, markTerminating);
  }

  async #deleteEach(names: readonly string[]): Promise<void> {
    await pMap(names, (name) => this.delete(name), { concurrency: callConcurrency });
  }

  #read(name: string): Promise<V1Pod | undefined> {
    return this.#api.call<V1Pod>(`read pod ${name}`, ['NotFound'], { ...this.#target(name), verb: 'get' });
  }

  #target(name?: string) {
    return { resource: 'pods', namespace: this.#namespace, name } as const;
  }
}

function markTerminating(pod: RunPod): RunPod {
  return { ...pod, deletionTimestamp: pod.deletionTimestamp ?? new Date() };
}
