import { createServer, type Server } from 'node:http';

/** Serves `/healthz`, which answers while the process does, and `/readyz`, which answers 200 while `isReady` holds. */
export async function serveHealth(port: number, isReady: () => boolean): Promise<Server> {
  const server = createServer((request, response) => {
    const isHealthy = request.url === '/healthz' || (request.url === '/readyz' && isReady());
    const isKnown = request.url === '/healthz' || request.url === '/readyz';
    response
      .writeHead(isHealthy ? 200 : isKnown ? 503 : 404, { 'content-type': 'text/plain' })
      .end(isHealthy ? 'ok\n' : 'no\n');
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(port, resolve);
  await promise;
  return server;
}
