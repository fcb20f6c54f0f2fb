import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The place where the test cluster keeps what is slow to make, outside the checkout; `NODESWEEP_CACHE` moves it. */
export function cacheDirectory(): string {
  const { NODESWEEP_CACHE, XDG_CACHE_HOME } = process.env;
  return NODESWEEP_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'nodesweep');
}

/**
 * A directory that is made once for each distinct `key` and kept.
 * It appears whole or not at all, so a build that was cut off is never mistaken for a finished one.
 */
export async function cached(
  name: string,
  key: readonly string[],
  make: (directory: string) => Promise<void>,
): Promise<string> {
  const directory = join(cacheDirectory(), `${name}-${hash(key)}`);
  if (existsSync(directory)) return directory;
  await mkdir(cacheDirectory(), { recursive: true });
  const unfinished = await mkdtemp(`${directory}.`);
  try {
    await make(unfinished);
    await rename(unfinished, directory);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if (!existsSync(directory)) throw error;
  }
  return directory;
}

function hash(key: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 12);
}
