import { createServer, request } from 'node:http';

/** Stands between the cleaner and a Docker Engine, so that something can happen right before a request gets there. */
export async function openDockerProxy(
  socket: string,
  engineSocket: string,
  before: (request: string) => Promise<void>,
): Promise<{ readonly close: () => Promise<void> }> {
  const server = createServer(async (incoming, response) => {
    const { method = '', url = '', headers } = incoming;
    await before(`${method} ${url}`);
    const onward = request({ socketPath: engineSocket, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
