import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** A proxy on loopback that opens tunnels (CONNECT), and remembers what it sees. */
export class TunnelProxy {
  /** The hosts and ports of the tunnels. */
  readonly targets: string[] = [];
  /** The headers of the requests for tunnels. */
  readonly heads: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer((_, response) => response.writeHead(501).end());
    this.#server.on('connect', (request, socket: Socket) => {
      this.targets.push(request.url ?? '');
      this.heads.push(request.rawHeaders.join('\n'));
      const target = new URL(`http://${request.url}`);
      const onward = connect(Number(target.port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      for (const end of [socket, onward]) {
        this.#sockets.add(end);
        end.on('error', () => {});
      }
    });
  }

  async start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.listen(0, '127.0.0.1', resolve);
    await promise;
  }

  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close(resolve);
    this.#server.closeAllConnections();
    await promise;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
}
