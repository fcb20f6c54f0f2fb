import { mkdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { hasCode } from '../../contract/errors.ts';

/** The error if another `nodesweep local` uses the state directory. */
export class StateInUseError extends Error {
  override readonly name = 'StateInUseError';
}

/**
 * Locks the state directory until the returned server is closed. Throws a {@link StateInUseError}. The lock is a
 * socket, which, unlike a file with a process ID, never outlives its process.
 */
export async function lockState(directory: string): Promise<Server> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, 'lock.sock');
  try {
    return await listen(path);
  } catch (error) {
    if (!hasCode(error, 'EADDRINUSE')) throw error;
    if (await isAnswered(path)) throw inUse(directory);
    await rm(path, { force: true });
    return listen(path);
  }
}

function listen(path: string): Promise<Server> {
  const { promise, resolve, reject } = Promise.withResolvers<Server>();
  const server = createServer((socket) => socket.destroy());
  server.once('error', reject).listen(path, () => resolve(server.unref()));
  return promise;
}

function isAnswered(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path, () => {
    socket.destroy();
    resolve(true);
  });
  socket.once('error', () => resolve(false));
  return promise;
}

function inUse(directory: string): StateInUseError {
  return new StateInUseError(
    `another nodesweep local uses ${directory}; stop it, or set another directory with --state`,
  );
}
