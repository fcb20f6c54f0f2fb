import type { Duplex } from 'node:stream';
import { PassThrough } from 'node:stream';
import { type KubeConfig, PortForward } from '@kubernetes/client-node';
import { ClusterError } from './api/error.ts';

/** A port of a pod, on the loopback interface of the pod. */
export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/**
 * Connects a socket of this machine with a port of a pod, through the API server, until one side ends. Rejects with a
 * {@link ClusterError} if the API server refuses it. It needs the rights to create and to get `pods/portforward`.
 */
export async function forwardPort(
  config: KubeConfig,
  { namespace, pod, port }: PodPort,
  socket: Duplex,
): Promise<void> {
  const errors = new PassThrough();
  let message = '';
  errors.on('data', (text: Buffer) => {
    message += String(text);
  });
  const connection = await new PortForward(config)
    .portForward(namespace, pod, [port], socket, errors, socket)
    .catch((cause: unknown) => {
      socket.destroy();
      throw new ClusterError(`can't forward a port to pod ${pod}: ${reasonOf(cause)}`, { cause });
    });
  if (typeof connection === 'function') return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  connection.onclose = () => {
    socket.end();
    if (message === '') resolve();
    else reject(new ClusterError(`the connection to pod ${pod} has failed: ${message.trim()}`));
  };
  socket.once('close', () => connection.close());
  await promise;
}

/** The client rejects with an event of a WebSocket, which has the message of the API server. */
function reasonOf(cause: unknown): string {
  const { message } = (cause ?? {}) as { message?: unknown };
  const words = typeof message === 'string' && message !== '' ? message : String(cause);
  return words.includes('403') ? `${words}; you need the rights to create and get pods/portforward` : words;
}
