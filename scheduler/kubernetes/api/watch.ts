import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject } from '@kubernetes/client-node';
import { doublingPauseMs } from '../../journal/doubling-pause.ts';
import type { KubernetesApi } from './api.ts';
import type { Collection } from './collection.ts';
import { isExpired, refusalOf, retryAfterMs } from './error.ts';
import type { Target } from './paths.ts';
import { maxWaitMs } from './retry.ts';

const pauses = { firstMs: 500, maxMs: 15_000 };
/** After a watch that lasted this long, the next one starts at once. */
const steadyMs = 5_000;

/** The target of a watch. */
export interface WatchSource extends Target {
  readonly labelSelector?: string;
  /** The number of objects in an answer to a list. Default: 500. A smaller one takes less memory for large objects. */
  readonly pageSize?: number;
}

/** The objects of a watch. The watch waits for each object that is applied, so that only a few are in memory. */
type Watched<T extends KubernetesObject> = Pick<Collection<T, unknown>, 'distrust' | 'remove' | 'retain'> & {
  apply(object: T, listVersion?: bigint): unknown;
};

/**
 * Keeps a collection up to date with a list, page by page, followed by a watch, which resumes after a lost connection. It lists
 * again only if the API server no longer has the version from which to resume.
 */
export class Watcher<T extends KubernetesObject> {
  readonly #api: Pick<KubernetesApi, 'pages' | 'watch'>;
  readonly #source: WatchSource;
  readonly #collection: Watched<T>;
  readonly #onTrouble: (error: unknown) => void;
  readonly #stopping = new AbortController();
  readonly #listed = Promise.withResolvers<void>();
  /** The version from which the watch continues; undefined if all objects must be listed. */
  #version: string | undefined;
  /** The newest version that any answer had. */
  #newest = 0n;
  #isCurrent = false;

  /** Calls `onTrouble` for each connection that was lost or could not be opened. */
  constructor(
    api: Pick<KubernetesApi, 'pages' | 'watch'>,
    source: WatchSource,
    collection: Watched<T>,
    onTrouble: (error: unknown) => void,
  ) {
    this.#api = api;
    this.#source = source;
    this.#collection = collection;
    this.#onTrouble = onTrouble;
  }

  /** True if the collection is complete and up to date. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  /** Resolves when all objects are known. The watch then runs until it is stopped. */
  start(): Promise<void> {
    void this.#run();
    return this.#listed.promise;
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      const startedAt = performance.now();
      const failure = await this.#follow().catch((error: unknown) => error);
      if (failure !== undefined) this.#noteFailure(failure);
      failures = performance.now() - startedAt > steadyMs ? Number(failure !== undefined) : failures + 1;
      const restMs = Math.max(pauseMs(failures), Math.min(retryAfterMs(failure), maxWaitMs));
      await sleep(restMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** Resolves when the watch ends. */
  async #follow(): Promise<void> {
    this.#version ??= await this.#list();
    const { labelSelector, pageSize: _, ...target } = this.#source;
    const query = { labelSelector, resourceVersion: this.#version };
    const events = await this.#api.watch<T>(target, query, this.#stopping.signal);
    this.#isCurrent = true;
    for await (const { type, object } of events) {
      if (type === 'ERROR') throw refusalOf(0, JSON.stringify(object));
      this.#noteVersion(object.metadata?.resourceVersion ?? '0');
      if (type === 'DELETED') this.#collection.remove(object);
      else if (type !== 'BOOKMARK') await this.#collection.apply(object);
    }
  }

  async #list(): Promise<string> {
    const { labelSelector, pageSize, ...target } = this.#source;
    const query = { labelSelector, ...(pageSize !== undefined && { limit: pageSize }) };
    const names = new Set<string>();
    let version: string | undefined;
    for await (const { items, metadata } of this.#api.pages<T>(target, query)) {
      // An older version than a known one shows that the store was replaced.
      if (version === undefined && BigInt(metadata.resourceVersion) < this.#newest) this.#collection.distrust();
      version = metadata.resourceVersion;
      for (const item of items) {
        names.add(item.metadata?.name ?? '');
        await this.#collection.apply(item, BigInt(version));
      }
    }
    version ??= '0';
    this.#collection.retain(names, BigInt(version));
    this.#newest = BigInt(version);
    this.#listed.resolve();
    return version;
  }

  /** Versions only grow: if one is older than the one before, the API server's store was restored from a backup. */
  #noteVersion(resourceVersion: string): void {
    const version = BigInt(resourceVersion);
    if (version < this.#newest) {
      this.#version = undefined;
      throw new Error(`the versions have gone back from ${this.#newest} to ${version}: everything is listed again`);
    }
    this.#newest = version;
    this.#version = resourceVersion;
  }

  #noteFailure(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    // After a restore, the known version is in the future: the API server sends nothing after it, not even a bookmark.
    if (isExpired(error) || isSilent(error)) this.#version = undefined;
    if (isExpired(error)) return;
    this.#isCurrent = false;
    this.#onTrouble(error);
  }
}

function isSilent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'UND_ERR_BODY_TIMEOUT';
}

/** The delay doubles with each successive failure, and has a random part, so that not all clients return at once. */
function pauseMs(failures: number): number {
  if (failures === 0) return 0;
  return doublingPauseMs(failures, pauses) * (0.5 + Math.random() / 2);
}
