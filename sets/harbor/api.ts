import type * as z from 'zod';
import type { Answer, HttpClient } from '../http/http-client.ts';
import { headerOf, parseAnswer, refusalOf, shown, totalOf } from './answer.ts';
import { type CredentialFiles, readAuthorization } from './credentials.ts';
import { ChangingListError, HarborError } from './errors.ts';
import { nextPageOf } from './look/next-page.ts';

export interface HarborApiOptions {
  readonly client: Pick<HttpClient, 'ask'>;
  /** The address of Harbor, without the path of its API. */
  readonly address: URL;
  /** Without credentials, only public projects can be seen. */
  readonly credentials?: CredentialFiles | undefined;
}

type Parameters = Readonly<Record<string, string>>;

const pageSize = 100;
/** A list that changes while it is read is read again. */
const maxLooks = 5;
/** Both media types of reports, the better one first. */
const mediaTypes =
  'application/vnd.security.vulnerability.report; version=1.1, application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0';

/**
 * Asks Harbor's API, version 2.0. If Harbor does not accept the credentials, it reads their files again once, because they may
 * have been changed.
 * @see https://github.com/goharbor/harbor/blob/main/api/v2.0/swagger.yaml
 */
export class HarborApi {
  readonly #options: HarborApiOptions;
  #authorization: string | undefined;
  #changes = 0;

  constructor(options: HarborApiOptions) {
    this.#options = options;
  }

  /** The number of times that the credentials have changed. */
  get credentialChanges(): number {
    return this.#changes;
  }

  /**
   * Makes sure that Harbor accepts the credentials. This needs a request of its own: Harbor answers a list of projects to
   * anybody, and shows only public projects to who has not logged in or whose robot account has expired.
   */
  async checkLogin(signal: AbortSignal): Promise<void> {
    if (this.#options.credentials !== undefined) await this.hasProject('library', signal);
  }

  /** True if Harbor has a project, also if the account may not see it. Needs a login. */
  async hasProject(name: string, signal: AbortSignal): Promise<boolean> {
    const url = this.#urlOf('/projects', { project_name: name });
    const { status, headers } = await this.#ask('HEAD', url, signal);
    // Each answer of Harbor has the ID of its request. That of a proxy for a missing server has none.
    const isOfHarbor = headers['x-request-id'] !== undefined;
    if (status === 200) return true;
    if (status === 404 && isOfHarbor) return false;
    throw new HarborError(
      `HEAD ${shown(url)} answered ${status}${isOfHarbor ? '' : ', and not from Harbor'}: check the address of Harbor`,
    );
  }

  /**
   * Reads all pages of a list. An object has an ID, and the number of objects must be the one that Harbor tells on each page. If
   * objects have moved between pages, it reads the list again, and rejects with a {@link ChangingListError} in the end.
   */
  async readList<Item extends { readonly id: number }>(
    path: string,
    parameters: Parameters,
    schema: z.ZodType<Item>,
    signal: AbortSignal,
  ): Promise<readonly Item[]> {
    for (let look = 1; look <= maxLooks; look += 1) {
      const items = await this.#readPages(
        this.#urlOf(path, { ...parameters, page: '1', page_size: String(pageSize) }),
        schema,
        signal,
      );
      if (items !== 'Changed') return items;
    }
    throw new ChangingListError(
      `${path} has changed while it was read, ${maxLooks} times: run the command at a time with fewer pushes and deletions`,
    );
  }

  /** Reads one object. Rejects with a {@link NotFoundError} or a {@link ForbiddenError}. */
  async readOne<Item>(
    path: string,
    parameters: Parameters,
    schema: z.ZodType<Item>,
    signal: AbortSignal,
  ): Promise<Item> {
    const url = this.#urlOf(path, parameters);
    return parseAnswer(await this.#get(url, signal), schema, url);
  }

  async #readPages<Item extends { readonly id: number }>(
    first: URL,
    schema: z.ZodType<Item>,
    signal: AbortSignal,
  ): Promise<readonly Item[] | 'Changed'> {
    const items = new Map<number, Item>();
    const totals = new Set<number>();
    let read = 0;
    for (let page: URL | undefined = first; page !== undefined; ) {
      const answer = await this.#get(page, signal);
      const listed = parseAnswer(answer, schema.array(), page);
      for (const item of listed) items.set(item.id, item);
      read += listed.length;
      totals.add(totalOf(answer, page));
      // Without this, a server whose pages never end would be asked until the deadline.
      if (read > Math.max(...totals)) return 'Changed';
      page = nextPageOf(headerOf(answer, 'link'), page);
    }
    return totals.size === 1 && totals.has(read) && items.size === read ? [...items.values()] : 'Changed';
  }

  async #get(url: URL, signal: AbortSignal): Promise<Answer> {
    const answer = await this.#ask('GET', url, signal);
    if (answer.status === 200) return answer;
    throw refusalOf(answer, url);
  }

  /** Asks with the credentials; if Harbor does not accept them, once more with those that are in the files by now. */
  async #ask(method: 'GET' | 'HEAD', url: URL, signal: AbortSignal): Promise<Answer> {
    this.#authorization ??= await this.#readAuthorization();
    const used = this.#authorization;
    const answer = await this.#askWith(used, method, url, signal);
    if (answer.status !== 401) return answer;
    const current = await this.#readAuthorization();
    if (current === used) throw new HarborError(this.#describeLogin());
    if (current !== this.#authorization) this.#changes += 1;
    this.#authorization = current;
    const second = await this.#askWith(current, method, url, signal);
    if (second.status === 401) throw new HarborError(this.#describeLogin());
    return second;
  }

  #askWith(authorization: string | undefined, method: 'GET' | 'HEAD', url: URL, signal: AbortSignal): Promise<Answer> {
    const headers = {
      accept: 'application/json',
      'user-agent': 'nodesweep',
      'x-accept-vulnerabilities': mediaTypes,
      ...(authorization !== undefined && { authorization }),
    };
    return this.#options.client.ask({ method, url, headers }, signal);
  }

  async #readAuthorization(): Promise<string | undefined> {
    const { credentials } = this.#options;
    return credentials && (await readAuthorization(credentials));
  }

  #describeLogin(): string {
    const { credentials, address } = this.#options;
    if (credentials === undefined)
      return `Harbor at ${address.host} asks for a login: give --username-file and --password-file`;
    return `Harbor at ${address.host} does not accept the user name in ${credentials.usernameFile} with the password in ${credentials.passwordFile}: they are wrong, or the robot account is disabled or has expired`;
  }

  #urlOf(path: string, parameters: Parameters): URL {
    const url = new URL(this.#options.address);
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v2.0${path}`;
    url.search = new URLSearchParams(parameters).toString();
    return url;
  }
}

/** The path of a repository in the API: its slashes are encoded twice. */
export function repositoryPath(project: string, pathInProject: string): string {
  return `/projects/${project}/repositories/${encodeURIComponent(encodeURIComponent(pathInProject))}`;
}
