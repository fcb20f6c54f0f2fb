import * as z from 'zod';
import type { PlainHosts } from './address.ts';
import type { Challenge } from './challenge.ts';
import type { SendHttp } from './http.ts';
import type { Credentials } from './keyring.ts';

type BearerChallenge = Extract<Challenge, { scheme: 'Bearer' }>;

const answerSchema = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().optional(),
});

/** The lifetime of a token that does not say it (distribution, token authentication). */
const defaultLifetimeS = 60;
/** A token is not used in its last seconds. */
const marginS = 10;

/** A token could not be had. The message is for people, and has no secret. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  /** The status of the answer of the realm, if there was one. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

/** Gets tokens from realms, and keeps them as long as they are valid. */
export class Tokens {
  readonly #send: SendHttp;
  readonly #plain: PlainHosts;
  readonly #nowMs: () => number;
  readonly #kept = new Map<string, { readonly token: Promise<string>; untilMs: number }>();

  constructor(send: SendHttp, plain: PlainHosts, nowMs: () => number) {
    this.#send = send;
    this.#plain = plain;
    this.#nowMs = nowMs;
  }

  /**
   * A token for a scope. Credentials go to the realm that the registry names, as in the specification, and only with
   * encryption. Rejects with a {@link TokenError}.
   */
  get(challenge: BearerChallenge, scope: string, credentials: Credentials | undefined): Promise<string> {
    const key = JSON.stringify([challenge.realm, challenge.service, scope, credentials]);
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.untilMs > this.#nowMs()) return kept.token;
    this.#dropOld();
    const asked = this.#ask(challenge, scope, credentials);
    const entry = { token: asked.then(({ token }) => token), untilMs: Number.POSITIVE_INFINITY };
    this.#kept.set(key, entry);
    asked.then(
      ({ lifetimeS }) => {
        entry.untilMs = this.#nowMs() + (lifetimeS - marginS) * 1_000;
      },
      () => this.#kept.delete(key),
    );
    return entry.token;
  }

  #dropOld(): void {
    const now = this.#nowMs();
    for (const [key, { untilMs }] of this.#kept) if (untilMs <= now) this.#kept.delete(key);
  }

  async #ask({ realm, service }: BearerChallenge, scope: string, credentials: Credentials | undefined) {
    const address = this.#addressOf(realm);
    if (service !== undefined) address.searchParams.set('service', service);
    address.searchParams.set('scope', scope);
    const headers: Record<string, string> = credentials === undefined ? {} : { authorization: basic(credentials) };
    const { status, body } = await this.#send('GET', address, headers);
    if (status !== 200) throw new TokenError(`${address.host} gave no token (${status})`, status);
    const answer = answerSchema.safeParse(parse(body)).data;
    const token = answer?.token || answer?.access_token;
    if (!token || /[^\x21-\x7e]/.test(token)) throw new TokenError(`${address.host} answered without a token`);
    return { token, lifetimeS: answer?.expires_in ?? defaultLifetimeS };
  }

  #addressOf(realm: string): URL {
    const address = URL.canParse(realm) ? new URL(realm) : undefined;
    if (address === undefined) throw new TokenError('it names a realm that is no address');
    if (this.#plain.allows(address)) return address;
    throw new TokenError(`it names a realm without encryption (${address.host})`);
  }
}

/** The value of the header for a user and password. */
export function basic({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
