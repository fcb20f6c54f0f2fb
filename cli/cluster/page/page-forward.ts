import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '../../../contract/errors.ts';
import { describeIdle } from '../idle-namespace.ts';
import type { PagePod, PagePort } from './page-port.ts';

/** A status page that can't be opened. The message has the next step. */
export class PageError extends Error {
  override readonly name = 'PageError';
}

/** The page of a scheduler, at an address of this machine. */
export interface ForwardedPage {
  readonly url: string;
  close(): void;
}

/**
 * Makes the page of a scheduler available on loopback. Each connection goes to a scheduler that runs at that moment, so the page
 * outlives a rollout. Rejects with a {@link PageError} if there is no page. `onTrouble` gets the message of each connection that
 * fails.
 */
export async function forwardPage(
  cluster: PagePort,
  { namespace, localPort }: { readonly namespace: string; readonly localPort: number },
  onTrouble: (message: string) => void,
): Promise<ForwardedPage> {
  choosePage(await cluster.listSchedulers(), namespace);
  const sockets = new Set<Socket>();
  const server = createServer(async (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    try {
      const { pod, port } = choosePage(await cluster.listSchedulers(), namespace);
      await cluster.forward(pod, port, socket);
    } catch (error) {
      socket.destroy();
      onTrouble(messageOf(error));
    }
  });
  await listen(server, localPort);
  const { port } = server.address() as AddressInfo;
  return { url: `http://localhost:${port}/`, close };

  /** Ends the connections too: a browser keeps them open. */
  function close(): void {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
}

/** A ready scheduler with a page, or at least a running one. Throws a {@link PageError} if there is none. */
function choosePage(
  schedulers: readonly PagePod[],
  namespace: string,
): { readonly pod: string; readonly port: number } {
  if (schedulers.length === 0) throw new PageError(describeIdle(namespace));
  const [found] = schedulers
    .flatMap(({ pod, port, isReady }) => (port === undefined ? [] : [{ pod, port, isReady }]))
    .sort((one, other) => Number(other.isReady) - Number(one.isReady));
  if (found === undefined)
    throw new PageError('the scheduler serves no status page: set NODESWEEP_PAGE_PORT to 8081, or remove it');
  return found;
}

async function listen(server: Server, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(port, '127.0.0.1', resolve);
  await promise.catch((cause: unknown) => {
    throw new PageError(
      `port ${port} of this machine can't be used: ${messageOf(cause)}; choose another one with --port`,
      { cause },
    );
  });
}
