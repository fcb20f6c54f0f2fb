import { randomUUID } from 'node:crypto';
import { link, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from '../../contract/system-error.ts';

/** Creates a file whole or not at all; false where it exists already, which is then left as it is. */
export async function createFile(path: string, text: string): Promise<boolean> {
  return withDraft(path, text, async (draft) => {
    try {
      await link(draft, path);
      return true;
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false;
      throw error;
    }
  });
}

/** Writes a file so that a reader sees the old text or the new one, also after a crash. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await withDraft(path, text, (draft) => rename(draft, path));
}

async function withDraft<T>(path: string, text: string, publish: (draft: string) => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(draft, text, { flush: true });
    return await publish(draft);
  } finally {
    await rm(draft, { force: true });
  }
}
