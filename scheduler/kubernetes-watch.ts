import { setTimeout as sleep } from 'node:timers/promises';
import {
  type KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  ListWatch,
  Watch,
} from '@kubernetes/client-node';

const minReconnectMs = 500;
const maxReconnectMs = 15_000;

/** Where a collection comes from. */
export interface CollectionSource<T> {
  readonly config: KubeConfig;
  readonly path: string;
  readonly list: () => Promise<KubernetesListObject<T & KubernetesObject>>;
  readonly labelSelector?: string;
}

interface Entry<D> {
  readonly uid: string;
  readonly resourceVersion: bigint;
  readonly value: D;
}

/** Objects of one kind, kept current by list and watch, and by what this process itself writes: the newest version wins. */
export class WatchedCollection<T extends KubernetesObject, D> {
  readonly #entries = new Map<string, Entry<D>>();
  readonly #translate: (object: T) => D | undefined;
  readonly #watch: ListWatch<T>;
  #isListed = false;
  #isStopped = false;
  #reconnectMs = minReconnectMs;
  #onChange: () => void = () => {};

  constructor(source: CollectionSource<T>, translate: (object: T) => D | undefined) {
    this.#translate = translate;
    const list = async () => {
      const result = await source.list();
      this.#isListed = true;
      return result;
    };
    this.#watch = new ListWatch<T>(source.path, new Watch(source.config), list, false, source.labelSelector);
    this.#watch.on('add', (object) => this.apply(object));
    this.#watch.on('update', (object) => this.apply(object));
    this.#watch.on('delete', (object) => this.#drop(object));
  }

  /** Resolves once all objects are known; from then on it reconnects by itself. `onTrouble` hears of each lost connection. */
  async start(onChange: () => void, onTrouble: (error: unknown) => void): Promise<void> {
    this.#onChange = onChange;
    const { promise, resolve } = Promise.withResolvers<void>();
    const connect = async () => {
      await this.#watch.start().catch(reconnect);
      if (this.#isListed) resolve();
    };
    const reconnect = async (error: unknown) => {
      if (this.#isStopped) return;
      onTrouble(error);
      await sleep(this.#reconnectMs, undefined, { ref: false });
      this.#reconnectMs = Math.min(this.#reconnectMs * 2, maxReconnectMs);
      if (!this.#isStopped) await connect();
    };
    this.#watch.on('error', reconnect);
    await connect();
    await promise;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#watch.stop();
  }

  values(): D[] {
    return [...this.#entries.values()].map(({ value }) => value);
  }

  /** Takes over an object that was read, watched or written. */
  apply(object: T): void {
    this.#reconnectMs = minReconnectMs;
    const { name = '', uid = '', resourceVersion = '0' } = object.metadata ?? {};
    const known = this.#entries.get(name);
    const version = BigInt(resourceVersion);
    if (known !== undefined && known.uid === uid && known.resourceVersion >= version) return;
    const value = this.#translate(object);
    if (value === undefined) this.#entries.delete(name);
    else this.#entries.set(name, { uid, resourceVersion: version, value });
    trim(object);
    this.#onChange();
  }

  /** Changes what is known of an object until its next version arrives. */
  amend(name: string, change: (value: D) => D): void {
    const entry = this.#entries.get(name);
    if (entry !== undefined) this.#entries.set(name, { ...entry, value: change(entry.value) });
  }

  /** Forgets an object that this process has deleted. */
  forget(name: string): void {
    this.#entries.delete(name);
  }

  #drop(object: T): void {
    const { name = '', uid } = object.metadata ?? {};
    if (this.#entries.get(name)?.uid === uid) this.#entries.delete(name);
    this.#onChange();
  }
}

/** The client library keeps every object whole; what nothing here reads is most of it. */
function trim(object: KubernetesObject & { status?: { images?: unknown } }): void {
  if (object.metadata !== undefined) delete object.metadata.managedFields;
  if (object.status !== undefined) delete object.status.images;
}
