import type { V1ConfigMap } from '@kubernetes/client-node';
import { annotation, label } from '../../contract/labels.ts';
import type { Call, KubernetesApi } from '../../scheduler/kubernetes/api/api.ts';
import { ClusterError, isForbidden } from '../../scheduler/kubernetes/api/error.ts';
import { ForeignObjectError, type SetStore, type StoredSet, type WriteResult } from '../store.ts';

/** The place of a set in a cluster. */
export interface SetPlace {
  readonly namespace: string;
  readonly name: string;
  /** The one key of the set. Each kind of source has its own, so that no producer overwrites the set of another one. */
  readonly key: string;
}

/** The key of the memory. */
const memoryKey = 'memory.gz';

/** The suffix of the name of the ConfigMap with the memory. */
export const memorySuffix = '-memory';

type SetKind = 'image-set' | 'image-set-memory';

/** An image set as a ConfigMap, and the memory of its producer as another one. */
export class KubernetesSetStore implements SetStore {
  readonly description: string;
  readonly #api: Pick<KubernetesApi, 'call'>;
  readonly #place: SetPlace;
  #set: V1ConfigMap | undefined;
  #memory: V1ConfigMap | undefined;

  constructor(api: Pick<KubernetesApi, 'call'>, place: SetPlace) {
    this.#api = api;
    this.#place = place;
    this.description = `image set ${place.name} in namespace ${place.namespace}`;
  }

  async read(): Promise<StoredSet> {
    const { name, key } = this.#place;
    this.#set = await this.#get(name);
    this.#memory = await this.#get(`${name}${memorySuffix}`);
    if (this.#set !== undefined) refuseForeign(this.#set, 'image-set', key);
    if (this.#memory !== undefined) refuseForeign(this.#memory, 'image-set-memory', memoryKey);
    const memory = this.#memory?.binaryData?.[memoryKey];
    return {
      text: this.#set?.data?.[key],
      memory: memory === undefined ? undefined : Buffer.from(memory, 'base64'),
      memoryAdvice: describeEmptying(this.#place),
    };
  }

  writeText(text: string, updatedAt: Date): Promise<WriteResult> {
    const { name, key } = this.#place;
    const annotations = { [annotation.setUpdatedAt]: updatedAt.toISOString() };
    const body = { ...build(name, 'image-set', this.#set, annotations), data: { [key]: text } };
    return this.#write(body, this.#set);
  }

  writeMemory(memory: Uint8Array): Promise<WriteResult> {
    const body = build(`${this.#place.name}${memorySuffix}`, 'image-set-memory', this.#memory, {});
    const binaryData = { [memoryKey]: Buffer.from(memory).toString('base64') };
    return this.#write({ ...body, binaryData }, this.#memory);
  }

  #get(name: string): Promise<V1ConfigMap | undefined> {
    return this.#call<V1ConfigMap>(`read ConfigMap ${name}`, ['NotFound'], name, { verb: 'get', name });
  }

  /** Creates an object, or replaces the version that was read. */
  async #write(body: V1ConfigMap, over: V1ConfigMap | undefined): Promise<WriteResult> {
    const name = body.metadata?.name ?? '';
    const call = over === undefined ? ({ verb: 'create', body } as const) : ({ verb: 'update', name, body } as const);
    const expected = over === undefined ? ['AlreadyExists'] : ['Conflict', 'NotFound'];
    const written = await this.#call(`write ConfigMap ${name}`, expected, name, call);
    return written === undefined ? 'Conflict' : 'Written';
  }

  /** A Role names the sets of its producer, so a set with another name is the usual cause of a refusal. */
  async #call<T>(
    what: string,
    expected: readonly string[],
    name: string,
    call: Pick<Call, 'verb' | 'name' | 'body'>,
  ): Promise<T | undefined> {
    const { namespace } = this.#place;
    try {
      return await this.#api.call<T>(what, expected, { resource: 'configmaps', namespace, ...call });
    } catch (cause) {
      if (!(cause instanceof ClusterError) || !isForbidden(cause)) throw cause;
      throw new ClusterError(`${cause.message}; name ConfigMap ${name} in the Role of the producer`, { cause });
    }
  }
}

/** Says how to empty the memory. A producer with a Role of its own may not create its ConfigMap again, so it must not be deleted. */
function describeEmptying({ namespace, name }: SetPlace): string {
  const patch = '[{"op": "remove", "path": "/binaryData"}]';
  return `to begin anew, empty it: kubectl patch configmap -n ${namespace} ${name}${memorySuffix} --type=json --patch '${patch}'`;
}

/** Throws a {@link ForeignObjectError} if a ConfigMap is not what this producer writes. */
function refuseForeign({ metadata, data, binaryData }: V1ConfigMap, kind: SetKind, key: string): void {
  const { name = '', labels } = metadata ?? {};
  if (labels?.[label.kind] !== kind)
    throw new ForeignObjectError(
      `ConfigMap ${name} has no label ${label.kind}: ${kind}, so something else owns it: choose another name with --name, or delete it`,
    );
  const others = [...Object.keys(data ?? {}), ...Object.keys(binaryData ?? {})].filter((other) => other !== key);
  if (others.length > 0)
    throw new ForeignObjectError(
      `ConfigMap ${name} has other keys than ${key} (${others.join(', ')}), so something else writes it: choose another name with --name, or delete it`,
    );
}

/** A ConfigMap without data. Labels and annotations that others have added stay. */
function build(
  name: string,
  kind: SetKind,
  over: V1ConfigMap | undefined,
  annotations: Readonly<Record<string, string>>,
): V1ConfigMap {
  const { metadata } = over ?? {};
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      ...metadata,
      name,
      labels: {
        'app.kubernetes.io/name': 'nodesweep',
        'app.kubernetes.io/component': kind,
        'app.kubernetes.io/part-of': 'nodesweep',
        'app.kubernetes.io/managed-by': 'nodesweep',
        ...metadata?.labels,
        [label.kind]: kind,
      },
      annotations: { ...metadata?.annotations, ...annotations },
    },
  };
}
