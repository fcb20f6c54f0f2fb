import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from './wait.ts';

const ROOT = '/sys/fs/cgroup';
/** The place where containerd puts containers that nobody wants anywhere else. */
const PARENT = 'k8s.io';

/**
 * Removes the cgroups of containers that were killed with their node, where no runtime is left to do it.
 * Version 1 has a hierarchy for each controller, version 2 just one.
 */
export async function removeContainerCgroups(nodeDirectory: string): Promise<void> {
  const containers = await readdir(join(nodeDirectory, 'run/containerd/io.containerd.runtime.v2.task/k8s.io')).catch(
    () => [],
  );
  for (const parent of await parents()) {
    for (const container of containers) await removeDying(join(parent, container));
    await rmdir(parent).catch(ignore('ENOENT', 'EBUSY', 'ENOTEMPTY'));
  }
}

async function parents(): Promise<readonly string[]> {
  const hierarchies = (await readdir(ROOT, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  return [PARENT, ...hierarchies.map(({ name }) => join(name, PARENT))].map((path) => join(ROOT, path));
}

/** Processes that were killed are in their cgroup for a moment longer. */
async function removeDying(path: string): Promise<void> {
  await waitFor(`${path} to be empty`, 20_000, async () => {
    await rmdir(path).catch(ignore('ENOENT'));
    return true;
  });
}

/** A group in use by others stays, one that is gone is fine. */
function ignore(...codes: readonly string[]) {
  return (error: NodeJS.ErrnoException): void => {
    if (!codes.includes(error.code ?? '')) throw error;
  };
}
