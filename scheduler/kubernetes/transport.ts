import type { AgentOptions } from 'node:https';
import { HttpMethod, type KubeConfig, RequestContext } from '@kubernetes/client-node';
import { Agent, type buildConnector, type Dispatcher, request } from 'undici';
import manifest from '../../package.json' with { type: 'json' };

/** Tokens and certificates are read again so often: those of pods are renewed long before they end. */
const maxCredentialsAgeMs = 60_000;

/**
 * With HTTP/2 all requests share one connection, and undici keeps a watch on it waiting for ten seconds and more while others
 * are under way. A connection that is not used is kept for longer than the lease takes to be renewed.
 */
const connections = { allowH2: false, keepAliveTimeout: 30_000 };

const userAgent = `nodesweep/${manifest.version}`;

/** One request over HTTP. */
export interface TransportRequest {
  readonly method: Dispatcher.HttpMethod;
  readonly path: string;
  readonly query: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: object | undefined;
  /** For how long the server may say nothing at all, in milliseconds. */
  readonly silenceMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

/**
 * Requests to the API server of a kubeconfig, over connections that are used again: the client library itself opens a new
 * one for each request, which costs both sides several times what most requests do.
 */
export class KubernetesTransport {
  readonly #config: KubeConfig;
  readonly #server: string;
  #credentials: Promise<Credentials> | undefined;
  #readAt = 0;

  constructor(config: KubeConfig) {
    this.#config = config;
    this.#server = config.getCurrentCluster()?.server ?? '';
  }

  /** Resolves when the answer begins, whatever its code; rejects where there is none. */
  async send({ method, path, query, body, silenceMs, signal }: TransportRequest): Promise<Dispatcher.ResponseData> {
    const credentials = this.#currentCredentials();
    const { headers, dispatcher } = await credentials;
    const url = new URL(`${this.#server}${path}`);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    try {
      const response = await request(url, {
        method,
        dispatcher,
        headers: { ...headers, 'user-agent': userAgent, ...(body && { 'content-type': contentTypeOf(method) }) },
        body: body === undefined ? null : JSON.stringify(body),
        headersTimeout: silenceMs,
        bodyTimeout: silenceMs,
        signal: signal ?? null,
      });
      if (response.statusCode === 401) this.#forget(credentials);
      return response;
    } catch (error) {
      // The certificate of the API server may be a new one.
      this.#forget(credentials);
      throw error;
    }
  }

  /** Ends all connections; those in use are cut off. */
  async close(): Promise<void> {
    const credentials = await this.#credentials?.catch(() => undefined);
    await credentials?.dispatcher.destroy();
  }

  #currentCredentials(): Promise<Credentials> {
    if (this.#credentials === undefined || Date.now() - this.#readAt >= maxCredentialsAgeMs) {
      this.#readAt = Date.now();
      const reading = this.#readCredentials(this.#credentials);
      reading.catch(() => this.#forget(reading));
      this.#credentials = reading;
    }
    return this.#credentials;
  }

  /** The connections stay as they are while they work. */
  async #readCredentials(before: Promise<Credentials> | undefined): Promise<Credentials> {
    const context = new RequestContext(this.#server, HttpMethod.GET);
    await this.#config.applySecurityAuthentication(context);
    const known = await before?.catch(() => undefined);
    return { headers: context.getHeaders(), dispatcher: known?.dispatcher ?? (await this.#openDispatcher(context)) };
  }

  async #openDispatcher(context: RequestContext): Promise<Dispatcher> {
    const tls: AgentOptions = {};
    await this.#config.applyToHTTPSOptions(tls);
    const options = this.#config.createDispatcherOptions(this.#config.getCurrentCluster(), tls);
    if (options.type === 'agent')
      return new Agent({ ...connections, connect: options.connect as buildConnector.BuildOptions });
    return context.getDispatcher() ?? new Agent(connections);
  }

  #forget(credentials: Promise<Credentials>): void {
    if (this.#credentials === credentials) this.#credentials = undefined;
  }
}

/** A patch holds just what is to change. */
function contentTypeOf(method: string): string {
  return method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
}
