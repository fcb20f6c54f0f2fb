import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject } from '@kubernetes/client-node';
import type { Dispatcher } from 'undici';
import { currentFlow } from '../../flow.ts';
import { ClusterError, type Reason, RefusedError, refusalOf } from './error.ts';
import { FairQueue } from './fair-queue.ts';
import { pathOf, type Target } from './paths.ts';
import { retryDelayMs } from './retry.ts';
import type { ServerClock } from './server-clock.ts';
import type { KubernetesTransport } from './transport.ts';
import { methods, type Verb } from './verbs.ts';

/** One request, in the terms of the Kubernetes API. */
export interface Call extends Target {
  readonly verb: Verb;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: object;
}

/** A request that ended, with the status code of its answer; 0 without an answer. */
export interface ObservedCall {
  readonly verb: Verb;
  readonly resource: string;
  readonly code: number;
  readonly seconds: number;
}

/** One page of a list. All pages of a list have the same version. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

export interface ApiOptions {
  readonly transport: KubernetesTransport;
  /** The limit of requests per second, after the burst of the first ten seconds. */
  readonly requestsPerSecond: number;
  readonly observe?: (call: ObservedCall) => void;
  /** A watch without an event for this long counts as dead. */
  readonly watchSilenceMs?: number;
}

const pageSize = 500;
/** The API server answers, or fails the request, well within this time. */
const silenceMs = 30_000;
/** The API server deletes a collection one by one before it answers, and stops after a minute (--request-timeout). */
const collectionSilenceMs = 90_000;
/** The API server ends a watch after this time. A part of it is random, so that not all watches end at once. */
const watchSeconds = 300;

/** The API server: its verbs, a limit of requests per second for all flows, and its refusals as values or errors. */
export class KubernetesApi {
  readonly #transport: KubernetesTransport;
  readonly #queue: FairQueue;
  readonly #observe: (call: ObservedCall) => void;
  readonly #watchSilenceMs: number;

  /** A watch has an event at least every minute: if nothing changes, a bookmark. */
  constructor({ transport, requestsPerSecond, observe = () => {}, watchSilenceMs = 90_000 }: ApiOptions) {
    this.#transport = transport;
    this.#queue = new FairQueue(requestsPerSecond);
    this.#observe = observe;
    this.#watchSilenceMs = watchSilenceMs;
  }

  /**
   * Sends a request. Returns undefined if the API server refuses it for one of the expected reasons. Sends it again, a few
   * times, if the server is busy. Throws a {@link ClusterError} that names the failed action.
   */
  async call<T>(what: string, expected: readonly Reason[], call: Call): Promise<T | undefined> {
    for (let tries = 0; ; tries += 1) {
      try {
        return (await this.#queue.run(currentFlow(), () => this.#answer(call))) as T;
      } catch (cause) {
        if (cause instanceof RefusedError && expected.includes(cause.reason)) return undefined;
        const delayMs = retryDelayMs(call.verb, cause, tries, Math.random());
        if (delayMs === undefined) throw new ClusterError(`could not ${what}: ${reasonOf(cause)}`, { cause });
        await sleep(delayMs);
      }
    }
  }

  /** Reads a list page by page, so that memory never holds all of it. */
  async *pages<T>(target: Target, query: Call['query'] = {}): AsyncGenerator<Page<T>> {
    let token: string | undefined;
    do {
      const call: Call = { ...target, verb: 'list', query: { limit: pageSize, ...query, continue: token } };
      const page = await this.call<Page<T>>(`list ${target.resource}`, [], call);
      if (page === undefined) return;
      yield page;
      token = page.metadata.continue;
    } while (token);
  }

  async listAll<T>(target: Target, query?: Call['query']): Promise<T[]> {
    const items: T[] = [];
    for await (const page of this.pages<T>(target, query)) items.push(...page.items);
    return items;
  }

  /** Watches from a version on. Resolves when the watch is open. The events end when the server ends the watch. */
  async watch<T extends KubernetesObject>(
    target: Target,
    query: Readonly<Record<string, string | undefined>>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<WatchEvent<T>>> {
    const timeoutSeconds = Math.round(watchSeconds * (1 + Math.random()));
    const all = { ...query, watch: true, allowWatchBookmarks: true, timeoutSeconds };
    try {
      const { body } = await this.#send({ ...target, verb: 'watch', query: all }, this.#watchSilenceMs, signal);
      return parseLines<WatchEvent<T>>(body);
    } catch (cause) {
      throw new ClusterError(`could not watch ${target.resource}: ${reasonOf(cause)}`, { cause });
    }
  }

  /** The time of the API server's clock. */
  get clock(): ServerClock {
    return this.#transport.clock;
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  async #answer(call: Call): Promise<unknown> {
    const silence = call.verb === 'deletecollection' ? collectionSilenceMs : silenceMs;
    const { body, headers } = await this.#send(call, silence);
    return String(headers['content-type']).startsWith('application/json') ? body.json() : body.text();
  }

  /** Resolves when the answer to a successful request begins. */
  async #send(call: Call, silence: number, signal?: AbortSignal): Promise<Dispatcher.ResponseData> {
    const startedAt = performance.now();
    let code = 0;
    try {
      const { verb, query = {}, body } = call;
      const request = { method: methods[verb], path: pathOf(call), query, body, silenceMs: silence, signal };
      const response = await this.#transport.send(request);
      code = response.statusCode;
      if (code < 300) return response;
      throw refusalOf(code, await response.body.text(), headerOf(response, 'retry-after'));
    } finally {
      const { verb, resource } = call;
      this.#observe({ verb, resource, code, seconds: (performance.now() - startedAt) / 1000 });
    }
  }
}

function headerOf({ headers }: Dispatcher.ResponseData, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

async function* parseLines<T>(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line);
  }
}

/** The message of the API server, if it answered; otherwise the error of the connection. */
function reasonOf(cause: unknown): string {
  if (cause instanceof RefusedError) return `${cause.code}: ${cause.message}`;
  const { message, code } = cause as NodeJS.ErrnoException;
  return message || code || String(cause);
}
