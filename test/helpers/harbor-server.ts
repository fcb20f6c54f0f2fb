import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certificates } from './certificates.ts';

/** A vulnerability as a report of Harbor has it. */
export interface FakeVulnerability {
  readonly id: string;
  readonly severity: string;
  readonly fix_version?: string;
}

/** An artifact of the fake Harbor. Its overview is made of its vulnerabilities. */
export interface FakeArtifact {
  readonly digest: string;
  readonly type?: string;
  readonly tags?: readonly string[];
  readonly children?: readonly string[];
  /** `undefined` if it was never scanned. */
  readonly scanStatus?: string | undefined;
  readonly vulnerabilities?: readonly FakeVulnerability[];
}

export interface FakeProject {
  readonly isPublic?: boolean;
  readonly registryId?: number;
  /** Artifacts by the path of their repository below the project, with slashes. */
  readonly repositories: Readonly<Record<string, readonly FakeArtifact[]>>;
}

/** A fault that a request gets in place of its answer. */
export type FakeFault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** The answer ends in its middle. */
  | 'truncated'
  /** There is no answer for a long time. */
  | 'silent';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly search: URLSearchParams;
  readonly authorization: string | undefined;
}

/** The part of a path of the API below a repository. */
type Handler = (request: SeenRequest, response: ServerResponse) => void;

const mediaType = 'application/vnd.security.vulnerability.report; version=1.1';

/**
 * A Harbor on loopback that answers as its documentation and its source say: a list of projects for anybody, pages with `Link`
 * and `X-Total-Count`, slashes of repositories that are encoded twice, the images of indexes only with `q=base=*`, and the ID of
 * each request.
 */
export class HarborServer {
  projects = new Map<string, FakeProject>();
  /** The account that Harbor accepts. */
  account = { name: 'robot$nodesweep', password: 'first' };
  /** The projects that the account may list and read; all if undefined. */
  visible: readonly string[] | undefined;
  /** The host of the registry that Harbor tells. */
  registry = 'harbor.example.com';
  /** Called for each request. */
  fault: (request: SeenRequest) => FakeFault | undefined = () => undefined;
  readonly requests: SeenRequest[] = [];
  readonly #server: Server;

  constructor(tls?: Certificates) {
    const answer = (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response);
    this.#server = tls ? createTlsServer({ cert: tls.certificate, key: tls.key }, answer) : createServer(answer);
  }

  async start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.listen(0, '127.0.0.1', resolve);
    await promise;
  }

  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#server.close(resolve);
    this.#server.closeAllConnections();
    await promise;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Puts artifacts into a repository, and keeps the others of the project. */
  put(project: string, repository: string, artifacts: readonly FakeArtifact[]): void {
    const known = this.projects.get(project);
    this.projects.set(project, { ...known, repositories: { ...known?.repositories, [repository]: artifacts } });
  }

  #answer(message: IncomingMessage, response: ServerResponse): void {
    const url = new URL(message.url ?? '/', 'http://harbor');
    const { authorization } = message.headers;
    const request = { method: message.method ?? '', path: url.pathname, search: url.searchParams, authorization };
    this.requests.push(request);
    response.setHeader('x-request-id', String(this.requests.length));
    const fault = this.fault(request);
    if (fault === 'silent') return;
    if (fault === 'truncated') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000', 'x-total-count': '1' });
      response.write('[{"id": 1, "dig');
      setTimeout(() => response.destroy(), 10);
      return;
    }
    if (fault !== undefined) {
      response.writeHead(fault.status, fault.headers).end(fault.body ?? '');
      return;
    }
    this.#route(request)(request, response);
  }

  #route({ method, path }: SeenRequest): Handler {
    const [, project = '', , repository = '', digest, addition] =
      /^\/api\/v2\.0\/projects\/([^/]+)\/repositories(\/([^/]+)\/artifacts(?:\/([^/]+)(\/additions\/vulnerabilities)?)?)?$/.exec(
        path,
      ) ?? [];
    if (path === '/api/v2.0/systeminfo') return (request, response) => this.#sendSystemInfo(request, response);
    if (path === '/api/v2.0/projects' && method === 'HEAD')
      return (request, response) => this.#sendExistence(request, response);
    if (path === '/api/v2.0/projects') return (request, response) => this.#sendProjects(request, response);
    if (project === '') return (_, response) => sendRefusal(response, 404, 'NOT_FOUND');
    return (request, response) => {
      if (!this.#maySee(request, project))
        return sendRefusal(response, this.#isLoggedIn(request) ? 403 : 401, 'FORBIDDEN');
      if (repository === '') return this.#sendRepositories(project, request, response);
      return this.#sendArtifacts(
        { project, repository: decodeURIComponent(decodeURIComponent(repository)), digest, addition },
        request,
        response,
      );
    };
  }

  #isLoggedIn({ authorization }: SeenRequest): boolean {
    const { name, password } = this.account;
    return authorization === `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
  }

  #maySee(request: SeenRequest, name: string): boolean {
    const project = this.projects.get(name);
    if (project?.isPublic) return true;
    return this.#isLoggedIn(request) && project !== undefined && (this.visible?.includes(name) ?? true);
  }

  #sendSystemInfo(request: SeenRequest, response: ServerResponse): void {
    send(response, { auth_mode: 'db_auth', ...(this.#isLoggedIn(request) && { registry_url: this.registry }) });
  }

  #sendExistence(request: SeenRequest, response: ServerResponse): void {
    const hasProject = this.projects.has(request.search.get('project_name') ?? '');
    response.writeHead(this.#isLoggedIn(request) ? (hasProject ? 200 : 404) : 401).end();
  }

  #sendProjects(request: SeenRequest, response: ServerResponse): void {
    const names = [...this.projects.keys()].filter((name) => this.#maySee(request, name));
    const projects = names.map((name) => ({
      project_id: idOf(name),
      name,
      ...(this.projects.get(name)?.registryId && { registry_id: this.projects.get(name)?.registryId }),
    }));
    sendPage(projects, request, response);
  }

  #sendRepositories(project: string, request: SeenRequest, response: ServerResponse): void {
    const names = Object.keys(this.projects.get(project)?.repositories ?? {}).map((path) => `${project}/${path}`);
    sendPage(
      names.map((name) => ({ id: idOf(name), name })),
      request,
      response,
    );
  }

  #sendArtifacts(
    {
      project,
      repository,
      digest,
      addition,
    }: { project: string; repository: string; digest: string | undefined; addition: string | undefined },
    request: SeenRequest,
    response: ServerResponse,
  ): void {
    const artifacts = this.projects.get(project)?.repositories[repository] ?? [];
    const children = new Set(artifacts.flatMap(({ children: digests = [] }) => digests));
    const isListed = ({ digest: own, tags = [] }: FakeArtifact) =>
      request.search.get('q') === 'base=*' || tags.length > 0 || !children.has(own);
    const artifact = artifacts.find(({ digest: own }) => own === digest);
    if (digest === undefined) sendPage(artifacts.filter(isListed).map(describeArtifact), request, response);
    else if (artifact === undefined) sendRefusal(response, 404, 'NOT_FOUND');
    else send(response, addition === undefined ? describeArtifact(artifact) : describeReports(artifact));
  }
}

function describeReports({ scanStatus = 'Success', vulnerabilities = [] }: FakeArtifact): object {
  return scanStatus === 'Success' ? { [mediaType]: { severity: 'High', vulnerabilities } } : {};
}

/** Numbers in the order of creation, as those of a database. */
const ids = new Map<string, number>();

function idOf(name: string): number {
  const id = ids.get(name) ?? ids.size + 1;
  ids.set(name, id);
  return id;
}

function describeArtifact(artifact: FakeArtifact): object {
  const { digest, type = 'IMAGE', tags = [], children = [], vulnerabilities } = artifact;
  const scanStatus = 'scanStatus' in artifact ? artifact.scanStatus : vulnerabilities && 'Success';
  const overview = scanStatus && {
    [mediaType]: { report_id: 'r', scan_status: scanStatus, ...summarise(scanStatus, vulnerabilities ?? []) },
  };
  return {
    id: idOf(digest),
    digest,
    type,
    ...{ media_type: 'application/vnd.oci.image.config.v1+json', push_time: '2026-03-01T10:00:00.000Z' },
    tags: tags.length === 0 ? null : tags.map((name) => ({ id: idOf(name), name, immutable: false })),
    references: children.length === 0 ? null : children.map((child_digest) => ({ child_digest, parent_id: 1 })),
    ...(overview && { scan_overview: overview }),
  };
}

function summarise(scanStatus: string, vulnerabilities: readonly FakeVulnerability[]): object {
  if (scanStatus !== 'Success') return { severity: '', summary: null };
  const counts: Record<string, number> = {};
  for (const { severity } of vulnerabilities) counts[severity] = (counts[severity] ?? 0) + 1;
  const fixable = vulnerabilities.filter(({ fix_version }) => fix_version).length;
  return { severity: 'High', summary: { total: vulnerabilities.length, fixable, summary: counts } };
}

/** Sends a page, in the order of IDs, with the link as Harbor writes it: with a path only, and a query that is not encoded. */
function sendPage(items: readonly object[], { path, search }: SeenRequest, response: ServerResponse): void {
  const page = Number(search.get('page') ?? 1);
  const size = Math.min(Number(search.get('page_size') ?? 10), 100);
  const links = [];
  if (page * size < items.length) {
    const next = new URLSearchParams([...search].toSorted());
    next.set('page', String(page + 1));
    links.push(`<${path}?${decodeURIComponent(next.toString())}>; rel="next"`);
  }
  if (page > 1) links.unshift(`<${path}?page=${page - 1}&page_size=${size}>; rel="prev"`);
  if (links.length > 0) response.setHeader('link', links.join(' , '));
  response.setHeader('x-total-count', String(items.length));
  send(response, items.slice((page - 1) * size, page * size));
}

function send(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}

function sendRefusal(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(`${JSON.stringify({ errors: [{ code, message: code.toLowerCase() }] })}\n`);
}
