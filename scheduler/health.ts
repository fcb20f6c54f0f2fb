import { createServer, type Server } from 'node:http';

export interface Health {
  /** Whether the process works, or should be started again (`/healthz`). */
  readonly isAlive: () => boolean;
  /** Whether it knows the cluster (`/readyz`). */
  readonly isReady: () => boolean;
}

/** Serves `/healthz` and `/readyz`: 200 while what they ask for holds, else 503. */
export async function serveHealth(port: number, { isAlive, isReady }: Health): Promise<Server> {
  const checks = new Map([
    ['/healthz', isAlive],
    ['/readyz', isReady],
  ]);
  const server = createServer((request, response) => {
    const check = checks.get(request.url ?? '');
    const status = check === undefined ? 404 : check() ? 200 : 503;
    response.writeHead(status, { 'content-type': 'text/plain' }).end(`${status}\n`);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(port, resolve);
  await promise;
  return server;
}
