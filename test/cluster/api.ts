import { readFile } from 'node:fs/promises';
import { Agent, request as send } from 'node:https';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import pMap from 'p-map';
import { parse } from 'yaml';

/** An answer of the API server. */
export interface Answer {
  readonly code: number;
  readonly text: string;
}

/** An API server asked without any client library: the least that a client can cost. */
export class BareApi {
  readonly #agent: Agent;
  readonly #server: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #connections: number;

  constructor(server: string, certificate: Buffer, token: string, connections: number) {
    this.#agent = new Agent({ ca: certificate, keepAlive: true, maxSockets: connections });
    this.#server = server;
    this.#headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'user-agent': 'bare' };
    this.#connections = connections;
  }

  /** Opens the cluster of a kubeconfig that names its user by a token, with at most so many connections. */
  static async open(kubeconfig: string, connections = 20): Promise<BareApi> {
    const { clusters, users } = parse(await readFile(kubeconfig, 'utf8'));
    const { server, 'certificate-authority-data': certificate } = clusters[0].cluster;
    return new BareApi(server, Buffer.from(certificate, 'base64'), users[0].user.token, connections);
  }

  /** Throws for an answer that is no success, and not one of the expected codes. */
  async call(method: string, path: string, body?: object, expected: readonly number[] = []): Promise<Answer> {
    const type = method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {};
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const options = { method, agent: this.#agent, headers: { ...this.#headers, ...type } };
    const request = send(`${this.#server}${path}`, options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => {
        text += part;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ code: response.statusCode ?? 0, text }));
    });
    request.on('error', reject);
    request.end(body && JSON.stringify(body));
    const answer = await promise;
    if (answer.code >= 300 && !expected.includes(answer.code))
      throw new Error(`${method} ${path}: ${answer.code}: ${answer.text}`);
    return answer;
  }

  async get<T>(path: string): Promise<T> {
    return JSON.parse((await this.call('GET', path)).text);
  }

  /** Creates objects through all connections at once; one that the API server asks to send again is sent again. */
  async createAll(path: string, objects: readonly object[]): Promise<void> {
    const create = async (object: object): Promise<void> => {
      const { code } = await this.call('POST', path, object, [409]);
      if (code === 409) await create(object);
    };
    await pMap(objects, create, { concurrency: this.#connections });
  }

  /**
   * Watches a collection until stopped, from where it is now; calls back with every event. Where the API server has
   * forgotten how to go on, every object is told once more.
   */
  async watch(path: string, onEvent: (type: string, object: WatchedObject) => void): Promise<() => void> {
    const stopping = new AbortController();
    let version: string | undefined = (await this.get<ObjectList>(`${path}?limit=1`)).metadata.resourceVersion;
    const follow = async () => {
      version ??= await this.#tellAll(path, onEvent);
      await this.#readLines(`${path}?watch=1&resourceVersion=${version}`, stopping.signal, (line) => {
        const { type, object } = JSON.parse(line);
        const isEvent = type !== undefined && type !== 'ERROR';
        version = isEvent ? object.metadata.resourceVersion : undefined;
        if (isEvent) onEvent(type, object);
      });
    };
    const followAgain = async () => {
      while (!stopping.signal.aborted) await follow().catch(() => sleep(200));
    };
    void followAgain();
    return () => stopping.abort();
  }

  /** Returns the version of the list. */
  async #tellAll(path: string, onEvent: (type: string, object: WatchedObject) => void): Promise<string> {
    const { metadata, items } = await this.get<ObjectList>(path);
    for (const item of items) onEvent('ADDED', item);
    return metadata.resourceVersion;
  }

  /** Resolves when the answer has ended. It has a connection of its own: nothing else waits for it. */
  async #readLines(path: string, signal: AbortSignal, onLine: (line: string) => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const agent = new Agent({ ...this.#agent.options, keepAlive: false });
    const request = send(`${this.#server}${path}`, { agent, headers: this.#headers, signal }, (response) => {
      const lines = createInterface(response);
      lines.on('line', onLine);
      lines.on('error', reject);
      lines.on('close', resolve);
    });
    request.on('error', reject);
    request.end();
    await promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}

interface ObjectList {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly WatchedObject[];
}

/** As much of an object as those who watch look at. */
export interface WatchedObject {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly nodeName?: string; readonly containers?: readonly { readonly image: string }[] };
  readonly status?: { readonly phase?: string };
  readonly data?: Readonly<Record<string, string>>;
}
