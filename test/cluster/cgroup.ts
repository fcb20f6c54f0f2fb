import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';

/** Removes a cgroup with all in it, in every hierarchy of this machine (version 1 has one for each controller). */
export async function removeCgroup(cgroup: string): Promise<void> {
  const hierarchies = [ROOT, ...(await directories(ROOT))];
  for (const hierarchy of hierarchies) await removeTree(join(hierarchy, cgroup));
}

async function removeTree(directory: string): Promise<void> {
  for (const child of await directories(directory)) await removeTree(child);
  await rmdir(directory).catch(ignoreMissing);
}

async function directories(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(directory, entry.name));
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
