import { createServer, type Server, type ServerResponse } from 'node:http';

/** The state of the process for its probes and metrics. */
export interface Health {
  /** True if the view of the cluster is up to date (`/readyz`). */
  readonly isReady: () => boolean;
  /** The answer of `/metrics`. */
  readonly readMetrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

/**
 * Serves `/healthz`, `/readyz` (503 while the process is not ready) and `/metrics`. An answer of `/healthz` shows that the event
 * loop runs. A restart would not fix other problems, such as an API server that does not answer.
 */
export async function serveHealth(port: number, { isReady, readMetrics }: Health): Promise<Server> {
  const answers = new Map<string, (response: ServerResponse) => unknown>([
    ['/healthz', (response) => answerCheck(response, true)],
    ['/readyz', (response) => answerCheck(response, isReady())],
    ['/metrics', (response) => answerMetrics(response, readMetrics)],
  ]);
  const server = createServer((request, response) => {
    const answer = answers.get(request.url?.split('?')[0] ?? '');
    if (answer === undefined) answerText(response, 404, '404\n');
    else answer(response);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(port, resolve);
  await promise;
  return server;
}

function answerCheck(response: ServerResponse, holds: boolean): void {
  const code = holds ? 200 : 503;
  answerText(response, code, `${code}\n`);
}

async function answerMetrics(response: ServerResponse, readMetrics: Health['readMetrics']): Promise<void> {
  try {
    const { contentType, text } = await readMetrics();
    answerText(response, 200, text, contentType);
  } catch (error) {
    answerText(response, 500, `the metrics can't be read: ${String(error)}\n`);
  }
}

function answerText(response: ServerResponse, code: number, text: string, contentType = 'text/plain'): void {
  response.writeHead(code, { 'content-type': contentType }).end(text);
}
