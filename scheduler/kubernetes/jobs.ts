import type { V1ConfigMap } from '@kubernetes/client-node';
import { labelsOf } from '../../contract/labels.ts';
import { jobName } from '../run/names.ts';
import type { Run } from '../run/run.ts';
import type { KubernetesApi } from './api/api.ts';
import { ClusterError } from './api/error.ts';
import type { ConfigMapStore } from './config-maps.ts';
import { buildConfigMap } from './objects.ts';

/** The jobs of runs, each in one or more ConfigMaps. They are immutable, so that kubelets read them once. */
export class JobStore {
  readonly #api: KubernetesApi;
  readonly #namespace: string;
  readonly #store: Pick<ConfigMapStore, 'create'>;
  readonly #mapNames = new Map<string, readonly string[]>();

  constructor(api: KubernetesApi, namespace: string, store: Pick<ConfigMapStore, 'create'>) {
    this.#api = api;
    this.#namespace = namespace;
    this.#store = store;
  }

  /** One that exists is left as it is. Rejects with a JobTooLargeError where it can't be stored. */
  async create({ kind, name: run, policy }: Run, owner: { name: string; uid: string }, job: object): Promise<void> {
    const maps = await kind.packJob(jobName(run), job);
    let isNew = true;
    for (const { name, ...content } of maps) {
      const metadata = { namespace: this.#namespace, name, labels: labelsOf('job', policy, run) };
      const body = { ...buildConfigMap(metadata, owner), ...content };
      const version = await this.#store.create(`create the job of run ${run}`, { ...body, immutable: true });
      isNew = version !== undefined;
    }
    // The last ConfigMap is the job itself. The first one that was created counts, here or in another replica.
    if (isNew)
      this.#mapNames.set(
        run,
        maps.map(({ name }) => name),
      );
  }

  /** True if the job of a run exists. */
  async has(run: Run): Promise<boolean> {
    return this.#mapNames.has(run.name) || (await this.#read(run)) !== undefined;
  }

  /** The names of the ConfigMaps in which the job of a run is. */
  async mapsOf(run: Run): Promise<readonly string[]> {
    const known = this.#mapNames.get(run.name) ?? (await this.#readMapNames(run));
    this.#mapNames.set(run.name, known);
    return known;
  }

  forget(run: string): void {
    this.#mapNames.delete(run);
  }

  #read({ name: run }: Run): Promise<V1ConfigMap | undefined> {
    const call = { resource: 'configmaps', namespace: this.#namespace, name: jobName(run), verb: 'get' } as const;
    return this.#api.call<V1ConfigMap>(`read the job of run ${run}`, ['NotFound'], call);
  }

  async #readMapNames(run: Run): Promise<readonly string[]> {
    const name = jobName(run.name);
    const map = await this.#read(run);
    if (map === undefined) throw new ClusterError(`ConfigMap ${name} with the job of run ${run.name} is gone`);
    try {
      return run.kind.jobMapNames(name, JSON.parse(map.data?.['job.json'] ?? ''));
    } catch (cause) {
      throw new ClusterError(`ConfigMap ${name} has no valid job: delete it, and the scheduler creates it again`, {
        cause,
      });
    }
  }
}
