import { Agent, type Dispatcher, request } from 'undici';
import { connectionCodeOf } from '../../contract/http/connection-code.ts';
import { retryAfterMsOf } from '../../contract/http/retry-after.ts';
import { encodeMessage, type Message, type MessageFormat } from '../notifications/message.ts';
import type { Delivery, Receiver } from '../notifier.ts';
import { AddressError, readAddress } from './address.ts';

/** The maximum size of an answer that is read. A longer one closes its connection. */
const maxAnswerBytes = 16_384;

export interface WebhookOptions {
  /** The file with the address, which is a secret. It is read for each message, because a Secret can change at any time. */
  readonly addressFile: string;
  readonly format: MessageFormat;
  readonly timeoutMs: number;
  readonly readClock: () => Date;
}

/**
 * Sends messages to a webhook. Follows no redirect: another host would see the content, and mostly the address is wrong. No
 * error has the address, nor the answer, which may repeat it.
 */
export class Webhook implements Receiver {
  readonly #options: WebhookOptions;
  readonly #agent: Agent;
  readonly #stopped = new AbortController();

  constructor(options: WebhookOptions) {
    this.#options = options;
    const { timeoutMs: timeout } = options;
    // Messages are rare. A kept connection would mostly be closed when the next one comes.
    this.#agent = new Agent({ connect: { timeout }, headersTimeout: timeout, bodyTimeout: timeout, pipelining: 0 });
  }

  async send(message: Message): Promise<Delivery> {
    const { addressFile, format } = this.#options;
    try {
      const address = await readAddress(addressFile);
      return await this.#judge(await this.#post(address, encodeMessage(message, format)));
    } catch (error) {
      return { kind: 'Failed', words: describe(error) };
    }
  }

  /** Gives up a message in progress. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#agent.destroy();
  }

  #post(address: URL, body: string): Promise<Dispatcher.ResponseData> {
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(this.#options.timeoutMs)]);
    const headers = { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'nodesweep' };
    return request(address, { method: 'POST', headers, body, signal, dispatcher: this.#agent });
  }

  async #judge({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<Delivery> {
    await body.dump({ limit: maxAnswerBytes }).catch(() => {});
    if (statusCode >= 200 && statusCode < 300) return { kind: 'Delivered' };
    const isRedirect = statusCode >= 300 && statusCode < 400;
    const words = `the receiver answered with ${statusCode}${isRedirect ? ', a redirect, which is not followed' : ''}`;
    const retryAfterMs = retryAfterMsOf(headers['retry-after'], this.#options.readClock());
    return { kind: 'Failed', words, retryAfterMs };
  }
}

/** The words for an error: its code or its name, because its message may have the address. */
function describe(error: unknown): string {
  if (error instanceof AddressError) return error.message;
  if (!(error instanceof Error)) return 'the receiver could not be reached';
  return `the receiver could not be reached (${connectionCodeOf(error) ?? error.name})`;
}
