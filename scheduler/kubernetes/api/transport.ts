import type { AgentOptions } from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import { HttpMethod, type KubeConfig, RequestContext } from '@kubernetes/client-node';
import { Agent, type buildConnector, type Dispatcher, request } from 'undici';
import manifest from '../../../package.json' with { type: 'json' };
import { ServerClock } from './server-clock.ts';

/** Interval at which tokens and certificates are read again. Those of pods are renewed long before they expire. */
const maxCredentialsAgeMs = 60_000;

/**
 * HTTP/1.1, because with HTTP/2 all requests share one connection, and undici delays a watch on it by ten seconds and more
 * while other requests run. An idle connection is kept for longer than the interval of lease renewals.
 */
const connections = { allowH2: false, keepAliveTimeout: 30_000 };

const userAgent = `nodesweep/${manifest.version}`;

/** One request over HTTP. */
export interface TransportRequest {
  readonly method: Dispatcher.HttpMethod;
  readonly path: string;
  readonly query: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: object | undefined;
  /** Maximum time without any data from the server, in milliseconds. */
  readonly silenceMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Reusable connections, and their options. */
interface Connections {
  readonly options: DispatcherOptions;
  readonly dispatcher: Dispatcher;
}

type DispatcherOptions = ReturnType<KubeConfig['createDispatcherOptions']>;

interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

/**
 * Requests to the API server of a kubeconfig over reusable connections. The client library opens a new connection for each
 * request, which costs several times as much as most requests.
 */
export class KubernetesTransport {
  /** The time of the API server, from its answers. */
  readonly clock = new ServerClock();
  readonly #config: KubeConfig;
  readonly #server: string;
  #connections: Connections | undefined;
  #credentials: Promise<Credentials> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(config: KubeConfig) {
    this.#config = config;
    this.#server = config.getCurrentCluster()?.server ?? '';
  }

  /**
   * Resolves when the answer begins, with any code; rejects if there is no answer. A failed request closes only its own
   * connection.
   */
  async send({ method, path, query, body, silenceMs, signal }: TransportRequest): Promise<Dispatcher.ResponseData> {
    const credentials = this.#currentCredentials();
    const { headers, dispatcher } = await credentials;
    const url = new URL(`${this.#server}${path}`);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const sentAt = performance.now();
    try {
      const response = await request(url, {
        method,
        dispatcher,
        headers: { ...headers, 'user-agent': userAgent, ...(body && { 'content-type': contentTypeOf(method, body) }) },
        body: body === undefined ? null : JSON.stringify(body),
        headersTimeout: silenceMs,
        bodyTimeout: silenceMs,
        signal: signal ?? null,
      });
      this.clock.observe(response.headers.date, sentAt);
      if (response.statusCode === 401) this.#forget(credentials);
      return response;
    } catch (error) {
      if (isAboutCertificates(error)) this.#forget(credentials);
      throw error;
    }
  }

  /** Closes all connections, also those in use. */
  async close(): Promise<void> {
    await this.#credentials?.catch(() => undefined);
    await this.#connections?.dispatcher.destroy();
  }

  #currentCredentials(): Promise<Credentials> {
    if (this.#credentials === undefined || performance.now() - this.#readAt >= maxCredentialsAgeMs) {
      this.#readAt = performance.now();
      const reading = this.#readCredentials();
      reading.catch(() => this.#forget(reading));
      this.#credentials = reading;
    }
    return this.#credentials;
  }

  async #readCredentials(): Promise<Credentials> {
    const context = new RequestContext(this.#server, HttpMethod.GET);
    await this.#config.applySecurityAuthentication(context);
    const tls: AgentOptions = {};
    await this.#config.applyToHTTPSOptions(tls);
    const options = this.#config.createDispatcherOptions(this.#config.getCurrentCluster(), tls);
    return { headers: context.getHeaders(), dispatcher: this.#connect(options, context) };
  }

  /** Keeps the connections while their options are the same. */
  #connect(options: DispatcherOptions, context: RequestContext): Dispatcher {
    const before = this.#connections;
    if (before !== undefined && isDeepStrictEqual(options, before.options)) return before.dispatcher;
    // Running requests, such as a watch, end on the old connections.
    void before?.dispatcher.close();
    const dispatcher = openDispatcher(options, context);
    this.#connections = { options, dispatcher };
    return dispatcher;
  }

  #forget(credentials: Promise<Credentials>): void {
    if (this.#credentials === credentials) this.#credentials = undefined;
  }
}

function openDispatcher(options: DispatcherOptions, context: RequestContext): Dispatcher {
  if (options.type === 'agent')
    return new Agent({ ...connections, connect: options.connect as buildConnector.BuildOptions });
  return context.getDispatcher() ?? new Agent(connections);
}

/** True if a certificate was not accepted, because there may be a new one. */
function isAboutCertificates(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException;
  return /CERT|^(ERR_TLS|ERR_SSL|UNABLE_TO)_/.test(code);
}

/** The content type of a body. A patch has either only the fields to change, or a list of operations (RFC 6902). */
function contentTypeOf(method: string, body: object): string {
  if (method !== 'PATCH') return 'application/json';
  return Array.isArray(body) ? 'application/json-patch+json' : 'application/merge-patch+json';
}
