import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject } from '@kubernetes/client-node';
import type { KubernetesApi } from './api.ts';
import type { Collection } from './collection.ts';
import { isExpired, refusalOf, retryAfterMs } from './error.ts';
import type { Target } from './paths.ts';
import { maxWaitMs } from './retry.ts';

const minPauseMs = 500;
const maxPauseMs = 15_000;
/** A watch that lasted so long was a good one: the next may follow at once. */
const steadyMs = 5_000;

/** The target of a watch. */
export interface WatchSource extends Target {
  readonly labelSelector?: string;
}

/**
 * Keeps a collection current: one list, page by page, and then a watch that goes on where it was cut off. It is listed
 * again only when the API server has forgotten the version to go on from.
 */
export class Watcher<T extends KubernetesObject> {
  readonly #api: Pick<KubernetesApi, 'pages' | 'watch'>;
  readonly #source: WatchSource;
  readonly #collection: Pick<Collection<T, unknown>, 'apply' | 'remove' | 'retain'>;
  readonly #onTrouble: (error: unknown) => void;
  readonly #stopping = new AbortController();
  readonly #listed = Promise.withResolvers<void>();
  #version: string | undefined;
  #isCurrent = false;

  /** `onTrouble` hears of each connection that was lost, or could not be had. */
  constructor(
    api: Pick<KubernetesApi, 'pages' | 'watch'>,
    source: WatchSource,
    collection: Pick<Collection<T, unknown>, 'apply' | 'remove' | 'retain'>,
    onTrouble: (error: unknown) => void,
  ) {
    this.#api = api;
    this.#source = source;
    this.#collection = collection;
    this.#onTrouble = onTrouble;
  }

  /** True if the collection is complete and, as far as anybody can tell, as it is in the cluster. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  /** Resolves once all objects are known; from then on it goes on by itself until stopped. */
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

  /** Until the watch ends. */
  async #follow(): Promise<void> {
    this.#version ??= await this.#list();
    const { labelSelector, ...target } = this.#source;
    const query = { labelSelector, resourceVersion: this.#version };
    const events = await this.#api.watch<T>(target, query, this.#stopping.signal);
    this.#isCurrent = true;
    for await (const { type, object } of events) {
      if (type === 'ERROR') throw refusalOf(0, JSON.stringify(object));
      if (type === 'DELETED') this.#collection.remove(object);
      else if (type !== 'BOOKMARK') this.#collection.apply(object);
      this.#version = object.metadata?.resourceVersion;
    }
  }

  async #list(): Promise<string> {
    const { labelSelector, ...target } = this.#source;
    const names = new Set<string>();
    let version = '0';
    for await (const { items, metadata } of this.#api.pages<T>(target, { labelSelector })) {
      for (const item of items) {
        names.add(item.metadata?.name ?? '');
        this.#collection.apply(item);
      }
      version = metadata.resourceVersion;
    }
    this.#collection.retain(names, BigInt(version));
    this.#listed.resolve();
    return version;
  }

  #noteFailure(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    if (isExpired(error)) {
      this.#version = undefined;
    } else {
      this.#isCurrent = false;
      this.#onTrouble(error);
    }
  }
}

/** It doubles with each failure in a row; a part of it is left to chance, so that not all who were cut off come at once. */
function pauseMs(failures: number): number {
  if (failures === 0) return 0;
  return Math.min(minPauseMs * 2 ** (failures - 1), maxPauseMs) * (0.5 + Math.random() / 2);
}
