import { setTimeout as sleep } from 'node:timers/promises';
import { type Dispatcher, request } from 'undici';
import { formatDuration } from '../../contract/duration.ts';
import { messageOf } from '../../contract/errors.ts';
import { connectionCodeOf, isCertificateCode } from '../../contract/http/connection-code.ts';
import { retryAfterMsOf } from '../../contract/http/retry-after.ts';
import { readLimited } from '../../contract/read-limited.ts';
import manifest from '../../package.json' with { type: 'json' };
import { openConnection, readAuthorities } from '../http/connection.ts';
import { parseAddress, showAddress } from './address.ts';
import { type HeaderFiles, readHeaders } from './headers.ts';

/** A download failed. `isTemporary` is true if another attempt may succeed. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError';
  readonly isTemporary: boolean;
  /** The delay before another attempt that the server requests, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    {
      isTemporary = false,
      retryAfterMs,
      cause,
    }: { isTemporary?: boolean; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.isTemporary = isTemporary;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface DownloadOptions extends HeaderFiles {
  /** A file with certificates of authorities, in PEM, in addition to those of the system. */
  readonly caFile?: string | undefined;
  readonly isHttpAllowed: boolean;
  readonly maxBytes: number;
  /** The variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in both cases, count. */
  readonly environment: NodeJS.ProcessEnv;
  readonly readClock: () => Date;
  /** Called before each further attempt, with the failure of the last one. */
  readonly onRetry: (message: string) => void;
  /** The pause before the second attempt. Each further one is twice as long. Default: a second. */
  readonly firstPauseMs?: number;
}

/** A complete answer. */
export interface Downloaded {
  readonly bytes: Buffer;
  /** False if the end of the connection was the end of the answer, so that nobody knows if it is complete. */
  readonly isDelimited: boolean;
}

const maxRedirects = 5;
const maxAttempts = 6;
const maxPauseMs = 60_000;
/** Maximum time without any data from the server. */
const silenceMs = 30_000;

const redirectCodes = [301, 302, 303, 307, 308];
const temporaryCodes = [408, 425, 429, 500, 502, 503, 504];

/** Downloads over HTTP. Credentials are only sent to the host of the first address. */
export class Downloader {
  readonly #options: DownloadOptions;
  readonly #dispatcher: Dispatcher;
  readonly #home: URL;

  /** `address` is the one for which the credentials are. Rejects if the file of certificates can't be read. */
  static async open(address: string, options: DownloadOptions): Promise<Downloader> {
    const home = parseAddress(address, options.isHttpAllowed);
    const ca = options.caFile === undefined ? undefined : await readAuthorities(options.caFile);
    return new Downloader(home, options, openConnection(options.environment, ca));
  }

  private constructor(home: URL, options: DownloadOptions, dispatcher: Dispatcher) {
    this.#home = home;
    this.#options = options;
    this.#dispatcher = dispatcher;
  }

  /** Downloads an address completely. Tries again after temporary failures, until the signal aborts. */
  async download(address: string, signal: AbortSignal): Promise<Downloaded> {
    const { isHttpAllowed, onRetry, firstPauseMs = 1_000 } = this.#options;
    const url = parseAddress(address, isHttpAllowed);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#follow(url, signal);
      } catch (error) {
        if (!(error instanceof DownloadError) || !error.isTemporary || attempt === maxAttempts) throw error;
        const pauseMs = error.retryAfterMs ?? Math.min(firstPauseMs * 2 ** (attempt - 1), maxPauseMs);
        onRetry(`${error.message}; next attempt in ${formatDuration(pauseMs)}`);
        await sleep(pauseMs, undefined, { signal });
      }
    }
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #follow(first: URL, signal: AbortSignal): Promise<Downloaded> {
    let url = first;
    for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
      const answer = await this.#send(url, signal);
      if (!redirectCodes.includes(answer.statusCode)) return this.#read(url, answer);
      await discard(answer);
      url = this.#nextAddress(url, headerOf(answer, 'location'));
    }
    throw new DownloadError(
      `${showAddress(first)} redirects more than ${maxRedirects} times: give the address of the content itself`,
    );
  }

  #nextAddress(url: URL, location: string | undefined): URL {
    const next = location === undefined ? null : URL.parse(location, url.href);
    if (next === null) throw new DownloadError(`${showAddress(url)} redirects without an address: check the server`);
    if (url.protocol === 'https:' && next.protocol !== 'https:')
      throw new DownloadError(
        `${showAddress(url)} redirects from https to ${showAddress(next)}, which is not followed: give an address that stays with https`,
      );
    return parseAddress(next.href, this.#options.isHttpAllowed);
  }

  async #send(url: URL, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const credentials = url.origin === this.#home.origin ? await readHeaders(this.#options) : {};
    try {
      return await request(url, {
        dispatcher: this.#dispatcher,
        headers: {
          accept: '*/*',
          'user-agent': `nodesweep/${manifest.version}`,
          ...credentials,
          // A compressed answer would hide its true size.
          'accept-encoding': 'identity',
        },
        headersTimeout: silenceMs,
        bodyTimeout: silenceMs,
        signal,
      });
    } catch (cause) {
      signal.throwIfAborted();
      throw connectionError(url, cause);
    }
  }

  async #read(url: URL, answer: Dispatcher.ResponseData): Promise<Downloaded> {
    const problem = this.#problemOf(url, answer);
    if (problem !== undefined) {
      await discard(answer);
      throw problem;
    }
    const bytes = await readBody(url, answer.body, this.#options.maxBytes);
    return {
      bytes,
      isDelimited: ['content-length', 'transfer-encoding'].some((name) => headerOf(answer, name) !== undefined),
    };
  }

  /** The reason to refuse an answer by its headers. */
  #problemOf(url: URL, answer: Dispatcher.ResponseData): DownloadError | undefined {
    if (answer.statusCode !== 200) return this.#refusal(url, answer);
    const encoding = headerOf(answer, 'content-encoding') ?? 'identity';
    if (encoding !== 'identity')
      return new DownloadError(
        `${showAddress(url)} answers with the encoding ${encoding}, which was not asked for: let the server send the content as it is`,
      );
    const { maxBytes } = this.#options;
    return Number(headerOf(answer, 'content-length') ?? 0) > maxBytes ? tooLarge(url, maxBytes) : undefined;
  }

  #refusal(url: URL, { statusCode, headers }: Dispatcher.ResponseData): DownloadError {
    return new DownloadError(`${showAddress(url)} answers with ${statusCode}${this.#adviceFor(statusCode)}`, {
      isTemporary: temporaryCodes.includes(statusCode),
      retryAfterMs: retryAfterMsOf(headers['retry-after'], this.#options.readClock()),
    });
  }

  #adviceFor(status: number): string {
    if (temporaryCodes.includes(status)) return '';
    if (status !== 401 && status !== 403) return ': check the address';
    const { headerFile, tokenFile } = this.#options;
    const files = [tokenFile, headerFile].filter((file) => file !== undefined);
    return files.length === 0
      ? ': give credentials with --token-file or --header-file'
      : `: check ${files.join(' and ')}`;
  }
}

/** Reads a short answer to its end, so that nothing stays open; closes the connection of a longer one. */
async function discard({ body }: Dispatcher.ResponseData): Promise<void> {
  await body.dump({ limit: 16_384 }).catch(() => {});
}

async function readBody(url: URL, body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const bytes = await readLimited(body, maxBytes).catch((cause: unknown) => {
    const message = `the answer of ${showAddress(url)} ended early: ${describe(cause)}`;
    throw new DownloadError(message, { isTemporary: true, cause });
  });
  if (bytes === undefined) throw tooLarge(url, maxBytes);
  return bytes;
}

function tooLarge(url: URL, maxBytes: number): DownloadError {
  return new DownloadError(`${showAddress(url)} has more than ${maxBytes} bytes: allow more with --max-size`);
}

function connectionError(url: URL, cause: unknown): DownloadError {
  const words = describe(cause);
  const isAboutCertificate = isCertificateCode(connectionCodeOf(cause) ?? '');
  const advice = isAboutCertificate ? ': give the certificate of its authority with --ca-file' : '';
  const options = { isTemporary: !isAboutCertificate, cause };
  return new DownloadError(`${showAddress(url)} could not be reached (${words})${advice}`, options);
}

function describe(error: unknown): string {
  return connectionCodeOf(error) ?? messageOf(error instanceof Error ? (error.cause ?? error) : error);
}

function headerOf({ headers }: Dispatcher.ResponseData, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
