import { connectionCodeOf } from '../../contract/http/connection-code.ts';
import { retryAfterMsOf } from '../../contract/http/retry-after.ts';
import { manifestAddress, type PlainHosts } from './address.ts';
import { type Challenge, readChallenge } from './challenge.ts';
import type { HttpAnswer, SendHttp } from './http.ts';
import type { Credentials } from './keyring.ts';
import { first, manifestTypes, type Reply, readReply } from './reply.ts';
import { basic, TokenError, type Tokens } from './tokens.ts';

export interface ManifestPorts {
  readonly send: SendHttp;
  readonly plain: PlainHosts;
  readonly tokens: Tokens;
  readonly credentialsFor: (repository: string) => Promise<readonly Credentials[]>;
  readonly now: () => Date;
}

/** The maximum number of redirects, and of credentials that are tried for a repository. */
const maxHops = 5;
const maxCredentials = 3;
/** Credentials that were refused, and repositories that are closed, are not tried again for this time. */
const refusedMs = 600_000;

/** Asks registries for manifests as runtimes do before a pull, but only if there is one. */
export class Manifests {
  readonly #ports: ManifestPorts;
  /** The last demand of each host, so that the next requests come with what it demands. */
  readonly #challenges = new Map<string, Challenge>();
  readonly #refused = new Map<string, { readonly untilMs: number; readonly reply: Reply }>();

  constructor(ports: ManifestPorts) {
    this.#ports = ports;
  }

  /** Asks for a manifest. Never rejects. */
  async ask(repository: string, digest: string): Promise<Reply> {
    try {
      return await this.#askAs(repository, digest, await this.#ports.credentialsFor(repository));
    } catch (error) {
      return replyTo(error);
    }
  }

  async #askAs(repository: string, digest: string, credentials: readonly Credentials[]): Promise<Reply> {
    const address = manifestAddress(repository, digest, this.#ports.plain);
    if (address === undefined) return { kind: 'Refused', why: 'its name makes no address' };
    const choices = credentials.length === 0 ? [undefined] : credentials.slice(0, maxCredentials);
    let reply: Reply | undefined;
    for (const choice of choices) {
      const key = JSON.stringify([repository, choice]);
      const refused = this.#refusedWith(key);
      reply = refused ?? (await this.#follow({ address, repository, digest, credentials: choice }).catch(replyTo));
      if (reply.kind !== 'Denied') return reply;
      if (refused === undefined) this.#refused.set(key, { untilMs: this.#nowMs() + refusedMs, reply });
    }
    return reply ?? { kind: 'Refused', why: 'no answer' };
  }

  /** The refusal of a repository, which is the same for all of its digests. A registry may lock a user after many tries. */
  #refusedWith(key: string): Reply | undefined {
    const known = this.#refused.get(key);
    if (known === undefined || known.untilMs > this.#nowMs()) return known?.reply;
    this.#refused.delete(key);
    return undefined;
  }

  #nowMs(): number {
    return this.#ports.now().getTime();
  }

  /** Asks, and follows redirects. Another host gets no credentials, but may demand a token that everybody can have. */
  async #follow(question: Question): Promise<Reply> {
    let current = question;
    for (let hops = 0; hops <= maxHops; hops += 1) {
      const answer = await this.#askOnce(current);
      if (!isRedirect(answer)) return this.#read(answer, question.digest);
      const next = nextAddress(answer, current.address);
      if (next === undefined || !this.#ports.plain.allows(next))
        return { kind: 'Refused', why: 'it redirects to no address, or to one without encryption' };
      const isOwn = next.origin === question.address.origin;
      current = { ...question, address: next, credentials: isOwn ? question.credentials : undefined };
    }
    return { kind: 'Refused', why: `it redirects more than ${maxHops} times` };
  }

  #read({ status, headers }: HttpAnswer, digest: string): Reply {
    const reply = readReply(status, headers, digest);
    if (reply.kind !== 'Throttled') return reply;
    return { ...reply, retryAfterMs: retryAfterMsOf(first(headers['retry-after']), this.#ports.now()) };
  }

  /** One request, and a second one if the registry demands authentication for the first one. */
  async #askOnce(question: Question): Promise<HttpAnswer> {
    const { address } = question;
    const known = this.#challenges.get(address.host);
    const earlier = known && (await this.#authorize(known, question));
    const answer = await this.#head(address, earlier);
    if (answer.status !== 401) return answer;
    const challenge = readChallenge(answer.headers['www-authenticate']);
    if (challenge === undefined) return answer;
    this.#challenges.set(address.host, withoutScope(challenge));
    const authorization = await this.#authorize(challenge, question);
    return authorization === undefined || authorization === earlier ? answer : this.#head(address, authorization);
  }

  #head(address: URL, authorization: string | undefined): Promise<HttpAnswer> {
    const headers = { accept: manifestTypes.join(', '), ...(authorization !== undefined && { authorization }) };
    return this.#ports.send('HEAD', address, headers);
  }

  /** The header that a registry demands; undefined if there are no credentials that it needs. */
  async #authorize(challenge: Challenge, { repository, credentials }: Question): Promise<string | undefined> {
    if (challenge.scheme === 'Basic') return credentials && basic(credentials);
    const path = repository.slice(repository.indexOf('/') + 1);
    const token = await this.#ports.tokens.get(challenge, challenge.scope ?? `repository:${path}:pull`, credentials);
    return `Bearer ${token}`;
  }
}

interface Question {
  readonly address: URL;
  readonly repository: string;
  readonly digest: string;
  /** Undefined for a host that must not get any. */
  readonly credentials: Credentials | undefined;
}

function isRedirect({ status }: HttpAnswer): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

function nextAddress({ headers }: HttpAnswer, from: URL): URL | undefined {
  const location = first(headers.location);
  return location !== undefined && URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
}

/** The scope of a demand is for one repository. */
function withoutScope(challenge: Challenge): Challenge {
  if (challenge.scheme === 'Basic') return challenge;
  const { scope: _, ...demand } = challenge;
  return demand;
}

/** The reply for an error. A realm that gives no token denies access, unless it has a problem itself. */
function replyTo(error: unknown): Reply {
  const why = describe(error);
  if (!(error instanceof TokenError)) return { kind: 'Failed', why };
  if (error.status === 429) return { kind: 'Throttled', why };
  if (error.status === 401 || error.status === 403)
    return { kind: 'Denied', why: `${why}: check the pull secrets of the scheduler` };
  return { kind: error.status !== undefined && error.status >= 500 ? 'Failed' : 'Refused', why };
}

/** The words for an error: its code, because a message may have an address with a secret. */
function describe(error: unknown): string {
  if (error instanceof TokenError) return error.message;
  if (!(error instanceof Error)) return 'it could not be reached';
  const known = connectionCodeOf(error) ?? error.name;
  return known === 'TimeoutError' ? 'it did not answer in time' : `it could not be reached (${known})`;
}
