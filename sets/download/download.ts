import { setTimeout as sleep } from 'node:timers/promises';
import { type Dispatcher, request } from 'undici';
import { formatDuration } from '../../contract/duration.ts';
import manifest from '../../package.json' with { type: 'json' };
import { openConnection, readAuthorities } from '../http/connection.ts';
import { parseAddress, showAddress } from './address.ts';
import { type AnswerOptions, type Downloaded, discard, headerOf, readAnswer } from './answer.ts';
import { connectionError, DownloadError } from './download-error.ts';
import { readHeaders } from './headers.ts';

export interface DownloadOptions extends AnswerOptions {
  /** A file with certificates of authorities, in PEM, in addition to those of the system. */
  readonly caFile?: string | undefined;
  readonly isHttpAllowed: boolean;
  /** The variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in both cases, count. */
  readonly environment: NodeJS.ProcessEnv;
  /** Called before each further attempt, with the failure of the last one. */
  readonly onRetry: (message: string) => void;
  /** The pause before the second attempt. Each further one is twice as long. Default: a second. */
  readonly firstPauseMs?: number;
}

const maxRedirects = 5;
const maxAttempts = 6;
const maxPauseMs = 60_000;
/** Maximum time without any data from the server. */
const silenceMs = 30_000;

const redirectCodes = [301, 302, 303, 307, 308];

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
      if (!redirectCodes.includes(answer.statusCode)) return readAnswer(url, answer, this.#options);
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
}
