import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { KubeConfig, type KubernetesObject } from '@kubernetes/client-node';

/** A request as the tests look at it. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly token: string | undefined;
}

/** All that a test makes of a request: the answer to give instead, or whether to cut the connection before or after its work. */
export type Fault = { readonly code: number; readonly reason?: string; readonly retryAfter?: number } | 'cut' | 'lost';

interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly collection: string;
  readonly version: number;
  readonly object: KubernetesObject;
}

/** True if somebody wants to delete another object of that name, or another version, by its preconditions. */
function isOther({ metadata }: StoredObject, options: object | undefined): boolean {
  const { preconditions = {} } = (options ?? {}) as { preconditions?: { uid?: string; resourceVersion?: string } };
  const { uid = metadata.uid, resourceVersion = metadata.resourceVersion } = preconditions;
  return uid !== metadata.uid || resourceVersion !== metadata.resourceVersion;
}

interface Operation {
  readonly op: 'test' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

type StoredObject = KubernetesObject & { metadata: NonNullable<KubernetesObject['metadata']> };

/** A small API server on loopback: collections with versions, pages, watches and label selectors. It knows no kinds. */
export class LoopbackApi {
  readonly objects = new Map<string, StoredObject>();
  readonly asked: Asked[] = [];
  connections = 0;
  /** Called for every request; what it returns goes wrong. */
  fault: (asked: Asked) => Fault | undefined = () => undefined;
  /** Changes each object that is created without effect, as a webhook does. */
  mutate: (object: StoredObject) => StoredObject = (object) => object;
  /** The answer to those who ask for one of their rights. */
  isAllowed = false;
  /** The time that its clock is ahead of the clock of this machine. */
  clockOffsetMs = 0;
  /** Versions up to this one are forgotten: no watch can go on from there. */
  forgotten = 0;
  #version = 100;
  #backup = { objects: new Map<string, StoredObject>(), version: 100 };
  #changes: Change[] = [];
  #watches = new Set<{
    readonly collection: string;
    readonly query: URLSearchParams;
    readonly response: ServerResponse;
  }>();
  #server: Server | undefined;
  #port = 0;

  /** Starts it, again at the same port where it was stopped. */
  async start(): Promise<void> {
    this.#server = createServer((request, response) => void this.#handle(request, response));
    this.#server.on('connection', () => {
      this.connections += 1;
    });
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    this.#server?.close();
    if (this.#server?.listening) await once(this.#server, 'close');
  }

  get config(): KubeConfig {
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [{ name: 'loopback', server: `http://127.0.0.1:${this.#port}`, skipTLSVerify: true }],
      users: [{ name: 'test', token: 'token' }],
      contexts: [{ name: 'test', cluster: 'loopback', user: 'test' }],
      currentContext: 'test',
    });
    return config;
  }

  /** Writes an object as somebody else would. */
  put(collection: string, name: string, object: object = {}): StoredObject {
    const path = `${collection}/${name}`;
    const known = this.objects.get(path);
    const metadata = { uid: `uid-of-${name}`, ...(object as Partial<StoredObject>).metadata, name };
    return this.#write(known ? 'MODIFIED' : 'ADDED', path, { ...object, metadata });
  }

  /** Deletes an object. `last` are the fields of its last version that no event had before. */
  remove(collection: string, name: string, last: object = {}): void {
    const path = `${collection}/${name}`;
    const known = this.objects.get(path);
    if (known !== undefined) this.#write('DELETED', path, { ...known, ...last });
  }

  /** Tells the watches of a collection how far they are. */
  bookmark(collection: string): void {
    this.#version += 1;
    this.#tell({
      type: 'BOOKMARK',
      collection,
      version: this.#version,
      object: { metadata: { resourceVersion: String(this.#version) } },
    });
  }

  /** Ends the watches of a collection with an error, as the API server does for a version that it forgets meanwhile. */
  expire(collection: string): void {
    this.forgotten = this.#version;
    const object = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
    this.#tell({ type: 'ERROR', collection, version: this.#version, object });
    for (const { response } of this.#watches) response.end();
    this.#watches.clear();
  }

  /** Keeps the store as it is now. */
  backUp(): void {
    this.#backup = { objects: new Map(this.objects), version: this.#version };
  }

  /** Goes back to the store that was kept, with its version. Watches go on, as after a restore below a running API server. */
  restore(): void {
    const { objects, version } = this.#backup;
    this.objects.clear();
    for (const [path, object] of objects) this.objects.set(path, object);
    this.#version = version;
    this.#changes = this.#changes.filter((change) => change.version <= version);
  }

  /** Cuts the connections of all watches. */
  cutWatches(): void {
    for (const { response } of this.#watches) response.destroy();
    this.#watches.clear();
  }

  /** The number of times that something was asked. */
  count(method: string, matches: (asked: Asked) => boolean = () => true): number {
    return this.asked.filter((asked) => asked.method === method && matches(asked)).length;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('date', new Date(Date.now() + this.clockOffsetMs).toUTCString());
    const url = new URL(request.url ?? '', 'http://loopback');
    const [, token] = request.headers.authorization?.split(' ') ?? [];
    const asked = { method: request.method ?? '', path: url.pathname, query: url.searchParams, token };
    const body = await readBody(request);
    this.asked.push(asked);
    const fault = this.fault(asked);
    if (typeof fault === 'object') refuse(response, fault.code, fault.reason ?? '', fault.retryAfter);
    else if (fault === 'cut') response.destroy();
    else if (url.searchParams.has('watch')) this.#watch(asked, response);
    else this.#work(asked, body, response, fault);
  }

  #work(asked: Asked, body: StoredObject, response: ServerResponse, fault: 'lost' | undefined): void {
    const [code, answer] = this.#answer(asked, body);
    if (fault === 'lost') response.destroy();
    else send(response, code, answer);
  }

  #answer({ method, path, query }: Asked, body: StoredObject): [code: number, answer: object] {
    const known = this.objects.get(path);
    switch (method) {
      case 'GET':
        return known ? [200, known] : isCollection(path) ? this.#list(path, query) : failure(404, 'NotFound');
      case 'POST': {
        if (path.endsWith('/selfsubjectaccessreviews')) return [201, { ...body, status: { allowed: this.isAllowed } }];
        const { name = `generated-${this.#version}` } = body.metadata;
        if (this.objects.has(`${path}/${name}`)) return failure(409, 'AlreadyExists');
        const metadata = { ...body.metadata, name, uid: `uid-of-${name}` };
        if (query.has('dryRun')) return [201, this.mutate({ ...body, metadata })];
        return [201, this.#write('ADDED', `${path}/${name}`, { ...body, metadata })];
      }
      case 'PUT': {
        if (known === undefined) return failure(404, 'NotFound');
        if (body.metadata.resourceVersion !== known.metadata.resourceVersion) return failure(409, 'Conflict');
        return [200, this.#write('MODIFIED', path, { ...body, metadata: { ...known.metadata, ...body.metadata } })];
      }
      case 'PATCH': {
        if (known === undefined) return failure(404, 'NotFound');
        if (Array.isArray(body)) return this.#patch(path, known, body);
        const annotations = { ...known.metadata.annotations, ...body.metadata.annotations };
        return [200, this.#write('MODIFIED', path, { ...known, metadata: { ...known.metadata, annotations } })];
      }
      case 'DELETE':
        if (known !== undefined && isOther(known, body)) return failure(409, 'Conflict');
        if (known !== undefined) return [200, this.#write('DELETED', path, known)];
        return isCollection(path) ? [200, {}] : failure(404, 'NotFound');
      default:
        return failure(405, 'MethodNotAllowed');
    }
  }

  /** A JSON Patch (RFC 6902) of tests and removals from lists. As the API server, it does nothing if a test fails. */
  #patch(path: string, known: StoredObject, operations: readonly Operation[]): [code: number, answer: object] {
    const changed = structuredClone(known);
    for (const { op, path: pointer, value } of operations) {
      const keys = pointer.split('/').slice(1);
      const last = keys.pop() ?? '';
      const parent = keys.reduce<unknown>((part, key) => (part as Record<string, unknown>)?.[key], changed);
      if (op === 'test' && !isDeepStrictEqual((parent as Record<string, unknown>)?.[last], value))
        return failure(422, 'Invalid');
      if (op === 'remove') (parent as unknown[]).splice(Number(last), 1);
    }
    return [200, this.#write('MODIFIED', path, changed)];
  }

  /** `continue` is the version of the list and the number of the first item. */
  #list(path: string, query: URLSearchParams): [code: number, answer: object] {
    const [version = this.#version, start = 0] = (query.get('continue') ?? '').split('/').filter(Boolean).map(Number);
    if (version < this.forgotten) return failure(410, 'Expired');
    const inCollection = [...this.objects].filter(([key]) => key.startsWith(`${path}/`)).map(([, object]) => object);
    const all = inCollection.filter((object) => isSelected(object, query));
    const end = start + Number(query.get('limit') ?? all.length);
    const next = end < all.length ? { continue: `${version}/${end}` } : {};
    return [200, { metadata: { resourceVersion: String(version), ...next }, items: all.slice(start, end) }];
  }

  #watch({ path, query }: Asked, response: ServerResponse): void {
    const from = Number(query.get('resourceVersion'));
    if (from < this.forgotten) {
      refuse(response, 410, 'Expired');
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    const watch = { collection: path, query, response };
    this.#watches.add(watch);
    response.on('close', () => this.#watches.delete(watch));
    for (const change of this.#changes)
      if (change.collection === path && change.version > from) writeChange(response, change, query);
  }

  #write(type: Change['type'], path: string, object: StoredObject): StoredObject {
    this.#version += 1;
    const metadata = { ...object.metadata, resourceVersion: String(this.#version) };
    const written = { ...object, metadata };
    if (type === 'DELETED') this.objects.delete(path);
    else this.objects.set(path, written);
    this.#tell({ type, collection: path.slice(0, path.lastIndexOf('/')), version: this.#version, object: written });
    return written;
  }

  #tell(change: Change): void {
    if (change.type !== 'ERROR') this.#changes.push(change);
    for (const { collection, query, response } of this.#watches)
      if (collection === change.collection) writeChange(response, change, query);
  }
}

/** A path ends either with a collection, which has a plural name, or with the name of an object in one. */
function isCollection(path: string): boolean {
  return /\/(configmaps|pods|podtemplates|replicationcontrollers|nodes|events|leases|jobs|cronjobs|deployments|replicasets|statefulsets|daemonsets|controllerrevisions|rollouts|vulnerabilityreports|clustervulnerabilityreports)$/.test(
    path,
  );
}

function writeChange(response: ServerResponse, { type, object }: Change, query: URLSearchParams): void {
  const isMeant = type === 'BOOKMARK' || type === 'ERROR' || isSelected(object, query);
  if (isMeant) response.write(`${JSON.stringify({ type, object })}\n`);
}

/** Field selectors like `spec.nodeName=a,status.phase!=Failed`; a field that is not there is empty. */
function hasFields(object: KubernetesObject, query: URLSearchParams): boolean {
  const requirements = (query.get('fieldSelector') ?? '').split(',').filter(Boolean);
  return requirements.every((requirement) => {
    const [, path = '', operator, value] = /^([^!=]+)(!?=)(.*)$/.exec(requirement) ?? [];
    const field =
      path.split('.').reduce<unknown>((part, key) => (part as Record<string, unknown>)?.[key], object) ?? '';
    return (field === value) === (operator === '=');
  });
}

/** Selectors like `a=b,c in (d,e)`. */
function isSelected(object: KubernetesObject, query: URLSearchParams): boolean {
  if (!hasFields(object, query)) return false;
  const { metadata } = object;
  const requirements = (query.get('labelSelector') ?? '').matchAll(
    /([\w./-]+)\s*(?:=|in)\s*\(?([^()]*?)\)?(?:,(?![^(]*\))|$)/g,
  );
  return [...requirements].every(([, key = '', values = '']) =>
    values.split(',').includes(metadata?.labels?.[key] ?? ''),
  );
}

function failure(code: number, reason: string): [number, object] {
  return [code, { kind: 'Status', code, reason, message: `refused: ${reason}` }];
}

function refuse(response: ServerResponse, code: number, reason: string, retryAfter?: number): void {
  if (retryAfter !== undefined) response.setHeader('retry-after', String(retryAfter));
  send(response, ...failure(code, reason));
}

function send(response: ServerResponse, code: number, answer: object): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
}

async function readBody(request: IncomingMessage): Promise<StoredObject> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text === '' ? { metadata: {} } : JSON.parse(text);
}
