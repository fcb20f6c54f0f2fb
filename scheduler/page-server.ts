import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from './log.ts';
import { answerPage, type PageAnswer } from './page/answer.ts';
import { type CleanerLog, podWithLog } from './page/cleaner-log.ts';
import { isExpectedHost } from './page/expected-host.ts';
import type { PageFacts } from './page/facts.ts';
import { PageLogs, type ReadCleanerLog } from './page-logs.ts';
import { PageTurns } from './page-turns.ts';

/** The place at which the page is served. */
export interface PagePlacement {
  /** The address of this machine on which the page listens. */
  readonly address: string;
  readonly port: number;
  /** The names under which browsers may ask for the page, beside addresses and `localhost`. */
  readonly hosts: readonly string[];
}

/** A page that is served. */
export interface PageServer {
  readonly url: string;
  close(): void;
}

/** The page must not take connections or memory from the scheduler. */
const maxConnections = 100;
/** Several browsers that look at one page cost no more than one. */
const freshMs = 1_000;
const maxKept = 50;

/** The sources of what the page shows. */
export interface PageSources {
  readonly facts: () => PageFacts;
  /** Absent where the logs of cleaners can't be read one by one. */
  readonly readCleanerLog?: ReadCleanerLog | undefined;
}

/** Serves the status page until it is closed. Rejects if the port is taken. */
export async function servePage(placement: PagePlacement, sources: PageSources, log: Log): Promise<PageServer> {
  const { facts, readCleanerLog } = sources;
  const { address, port, hosts } = placement;
  const kept = new Map<string, { readonly until: number; readonly answer: PageAnswer }>();
  const turns = new PageTurns();
  const logs = readCleanerLog && new PageLogs(readCleanerLog);
  const server = createServer(async (request, response) => {
    const { method = '', url: target = '', headers } = request;
    const asked = { method, host: headers.host, target };
    try {
      const cleanerLog = isExpectedHost(asked.host, hosts) ? await readLogFor(target) : undefined;
      const answer = await turns.take(() => (response.destroyed ? undefined : answerOnce(asked, cleanerLog)));
      if (answer !== undefined) send(response, method, answer);
    } catch (err) {
      log.error({ err, target }, `the status page can't be shown: ${String(err)}`);
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
      response.end('The page can not be shown. The log of the scheduler has the cause.\n');
    }
  });
  server.maxConnections = maxConnections;
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  await listen(server, port, address);
  // The page never keeps a process alive that wants to end.
  server.unref();
  return {
    url: urlOf(server.address() as AddressInfo),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };

  async function readLogFor(target: string): Promise<CleanerLog | undefined> {
    const pod = logs && podWithLog(target, facts().state.pods);
    return pod && logs?.read(pod);
  }

  function answerOnce(asked: Parameters<typeof answerPage>[0], cleanerLog: CleanerLog | undefined): PageAnswer {
    const key = JSON.stringify(asked);
    const now = performance.now();
    const known = kept.get(key);
    if (known !== undefined && known.until > now) return known.answer;
    const answer = answerPage(asked, () => ({ ...facts(), log: cleanerLog }), hosts);
    if (kept.size >= maxKept) kept.clear();
    kept.set(key, { until: now + freshMs, answer });
    return answer;
  }
}

function send(response: ServerResponse, method: string, { status, headers, body }: PageAnswer): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(method === 'HEAD' ? undefined : body);
}

async function listen(server: Server, port: number, address: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(port, address, resolve);
  await promise;
  server.off('error', reject);
}

function urlOf({ address, port, family }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/`;
}
