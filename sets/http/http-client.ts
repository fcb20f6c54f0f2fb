import type { IncomingHttpHeaders } from 'node:http';
import { type Dispatcher, request } from 'undici';
import { messageOf } from '../../contract/errors.ts';
import { connectionCodeOf, isCertificateCode } from '../../contract/http/connection-code.ts';
import { retryAfterMsOf } from '../../contract/http/retry-after.ts';
import { readLimited } from '../../contract/read-limited.ts';

/** A server could not be asked, or its answer could not be read. The message never has a header of the request. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
}

/** An answer that is no redirect and no passing failure. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A question to a server. */
export interface Question {
  readonly method: 'GET' | 'HEAD';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

export interface HttpClientOptions {
  readonly connection: Dispatcher;
  readonly readClock: () => Date;
  /** Waits, or rejects as soon as the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

const maxAttempts = 5;
const firstPauseMs = 1_000;
/** Maximum time without any data from the server. Long lists of a busy server take many seconds. */
const silenceMs = 60_000;
/** Maximum size of a body. A longer one is an error, so that no server can fill the memory. */
const maxBodyBytes = 32 * 1024 * 1024;

/** Statuses that pass: too many requests, and failures of the server or of a proxy before it. */
const isPassing = (status: number) => status === 429 || (status >= 500 && status !== 501);

type Attempt = { readonly answer: Answer } | { readonly failure: string; readonly retryAfterMs?: number | undefined };

/**
 * Asks a server. It repeats a question after a passing failure, and waits as long as the server asks for. It follows no
 * redirect: another host must never see the headers of the question.
 */
export class HttpClient {
  readonly #options: HttpClientOptions;

  constructor(options: HttpClientOptions) {
    this.#options = options;
  }

  /** Rejects with an {@link HttpError} after the last attempt, and with the reason of the signal when it aborts. */
  async ask(question: Question, signal: AbortSignal): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      const result = await this.#attempt(question, signal);
      if ('answer' in result) return result.answer;
      if (attempt === maxAttempts)
        throw new HttpError(
          `${describe(question)} failed ${maxAttempts} times, the last time because ${result.failure}: check the server, and the way to it`,
        );
      await this.#options.pause(Math.max(firstPauseMs * 2 ** (attempt - 1), result.retryAfterMs ?? 0), signal);
    }
  }

  /** Ends all connections. */
  close(): Promise<void> {
    return this.#options.connection.destroy();
  }

  async #attempt(question: Question, signal: AbortSignal): Promise<Attempt> {
    try {
      return await this.#askOnce(question, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof HttpError) throw error;
      const failure = connectionCodeOf(error) ?? messageOf(error);
      if (isCertificateCode(failure))
        throw new HttpError(
          `the certificate of ${question.url.host} is not trusted (${failure}): give the certificate of its authority with --ca-file, and use the name that is in the certificate`,
        );
      return { failure };
    }
  }

  async #askOnce({ method, url, headers }: Question, signal: AbortSignal): Promise<Attempt> {
    const { connection: dispatcher, readClock } = this.#options;
    const timeouts = { headersTimeout: silenceMs, bodyTimeout: silenceMs };
    // A compressed answer would hide its true size.
    const all = { ...headers, 'accept-encoding': 'identity' };
    const response = await request(url, { method, headers: all, signal, dispatcher, ...timeouts });
    const { statusCode: status } = response;
    if (status >= 300 && status < 400) {
      await response.body.dump().catch(() => {});
      throw new HttpError(describeRedirect(url, response.headers.location));
    }
    const body = await readBody(response.body, url);
    if (!isPassing(status)) return { answer: { status, headers: response.headers, body } };
    const retryAfterMs = retryAfterMsOf(response.headers['retry-after'], readClock());
    return { failure: `the answer was ${status}`, retryAfterMs };
  }
}

async function readBody(body: AsyncIterable<Uint8Array>, url: URL): Promise<string> {
  const bytes = await readLimited(body, maxBodyBytes);
  if (bytes !== undefined) return bytes.toString('utf8');
  throw new HttpError(`the answer of ${url.host} to ${url.pathname} has more than ${maxBodyBytes} bytes`);
}

/** The words for a redirect: both hosts, and nothing else of the new address, which may have a secret. */
function describeRedirect(url: URL, location: string | string[] | undefined): string {
  const target = typeof location === 'string' ? URL.parse(location, url.href) : null;
  if (target === null) return `${url.host} answers with a redirect without an address, which is not followed`;
  const place = target.host === url.host && target.protocol === url.protocol ? 'another path' : target.origin;
  return `${url.origin} redirects to ${place}, which is not followed, because credentials go to ${url.host} alone: give the address that answers by itself`;
}

function describe({ method, url }: Question): string {
  return `${method} ${url.origin}${url.pathname}${url.search}`;
}
