import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import { Agent, request } from 'undici';
import { readLimited } from '../../contract/read-limited.ts';
import type { Headers } from './reply.ts';

/** The answer to a request without redirects. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** Sends a request, and follows no redirect. Rejects if there is no answer in time. */
export type SendHttp = (method: 'HEAD' | 'GET', address: URL, headers: Record<string, string>) => Promise<HttpAnswer>;

/** A token with its fields is much smaller. */
const maxBodyBytes = 65_536;

/** The connections to registries. After `stop`, no request is sent. */
export interface Http {
  readonly send: SendHttp;
  readonly stop: () => Promise<void>;
}

/** Opens the connections to registries. `caFile` has certificates in addition to the usual ones. */
export async function openHttp(caFile: string | undefined, timeoutMs: number): Promise<Http> {
  const ca = caFile === undefined ? undefined : [...rootCertificates, await readFile(caFile, 'utf8')];
  const connect = { timeout: timeoutMs, ...(ca && { ca }) };
  const agent = new Agent({ connect, headersTimeout: timeoutMs, bodyTimeout: timeoutMs, keepAliveTimeout: 5_000 });
  const send: SendHttp = async (method, address, headers) => {
    const answer = await request(address, {
      method,
      headers: { 'user-agent': 'nodesweep', ...headers },
      dispatcher: agent,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const body = await readLimited(answer.body, maxBodyBytes);
    if (body === undefined) throw new Error(`its answer has more than ${maxBodyBytes} bytes`);
    return { status: answer.statusCode, headers: answer.headers, body: body.toString('utf8') };
  };
  return { send, stop: () => agent.destroy() };
}
