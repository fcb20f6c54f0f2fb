import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** An answer: the headers and the body of a 200, or anything that a test does with the response. */
export type Answer = string | Uint8Array | ((response: ServerResponse, request: IncomingMessage) => void);

/** A request as the tests look at it. */
export interface Asked {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

/** A server of lists on loopback, with faults. It answers one path after another as told, and the last answer again and again. */
export class SourceServer {
  readonly asked: Asked[] = [];
  readonly #answers = new Map<string, Answer[]>();
  readonly #server: Server;
  readonly #scheme: string;

  /** With a certificate and its key it speaks TLS as `localhost`. */
  constructor(tls?: { readonly certificate: string; readonly key: string }) {
    const handle = (request: IncomingMessage, response: ServerResponse) => this.#handle(request, response);
    this.#server = tls ? createTlsServer({ cert: tls.certificate, key: tls.key }, handle) : createServer(handle);
    this.#scheme = tls ? 'https' : 'http';
  }

  /** Listens on an address of this machine. */
  async start(address = '127.0.0.1'): Promise<this> {
    this.#server.listen(0, address);
    await once(this.#server, 'listening');
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  answer(path: string, ...answers: readonly Answer[]): void {
    this.#answers.set(path, [...answers]);
  }

  url(path: string, host = 'localhost'): string {
    return `${this.#scheme}://${host}:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '';
    this.asked.push({ path, headers: request.headers });
    const answers = this.#answers.get(path.replace(/\?.*$/, '')) ?? [];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === undefined) response.writeHead(404).end('not here');
    else if (typeof answer === 'function') answer(response, request);
    else response.writeHead(200, { 'content-length': Buffer.byteLength(answer) }).end(answer);
  }
}

/** An answer with an error code, or a redirect. */
export function refusal(code: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return (response) => response.writeHead(code, headers).end('refused');
}
