import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { ClusterNode } from '../cluster/node.ts';

/** A second socket of a node's runtime, through which nothing passes until its release. */
export interface HeldRuntime {
  /** The path of the socket, as pods of the node see it. */
  readonly socketOnNode: string;
  /** Lets all calls through, those that wait and those to come. */
  readonly release: () => void;
  readonly close: () => void;
}

export async function holdRuntime(node: ClusterNode): Promise<HeldRuntime> {
  const socketOnNode = '/run/held.sock';
  const released = Promise.withResolvers<void>();
  const server: Server = createServer({ pauseOnConnect: true }, async (caller) => {
    caller.on('error', () => {});
    await released.promise;
    const runtime = connect(node.socket);
    runtime.on('error', () => caller.destroy());
    caller.on('close', () => runtime.destroy());
    caller.pipe(runtime).pipe(caller);
  });
  const directory = node.socket.slice(0, -node.socketOnNode.length);
  await new Promise<void>((resolve) => server.listen(join(directory, socketOnNode), resolve));
  server.unref();
  return { socketOnNode, release: released.resolve, close: () => server.close() };
}
