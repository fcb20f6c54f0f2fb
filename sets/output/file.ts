import { randomUUID } from 'node:crypto';
import { open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hasCode, messageOf } from '../../contract/errors.ts';
import type { SetStore, StoredSet, WriteResult } from '../store.ts';

/** A file can't be written. */
export class OutputError extends Error {
  override readonly name = 'OutputError';
}

/** The set and its memory are not read from an output: it has the result of one look. */
const nothingStored: StoredSet = { text: undefined, memory: undefined };

/** Writes the text of a set to a file, which always has the old or the new text, also after a crash. */
export class FileOutput implements SetStore {
  readonly description: string;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.description = `file ${path}`;
  }

  async read(): Promise<StoredSet> {
    return nothingStored;
  }

  /** Rejects with an {@link OutputError}. */
  async writeText(text: string): Promise<WriteResult> {
    try {
      // A pipe or a device has no old text, and must not be replaced by a file.
      if (await isRegularOrMissing(this.#path)) await replaceFile(this.#path, text);
      else await writeFile(this.#path, text);
    } catch (cause) {
      throw new OutputError(`${this.description} can't be written: ${messageOf(cause)}; check --output`, { cause });
    }
    return 'Written';
  }

  async writeMemory(): Promise<WriteResult> {
    return 'Written';
  }
}

/** Writes the text of a set to standard output. */
export class StandardOutput implements SetStore {
  readonly description = 'standard output';
  readonly #write: (text: string) => Promise<void>;

  constructor(write: (text: string) => Promise<void>) {
    this.#write = write;
  }

  async read(): Promise<StoredSet> {
    return nothingStored;
  }

  async writeText(text: string): Promise<WriteResult> {
    await this.#write(text);
    return 'Written';
  }

  async writeMemory(): Promise<WriteResult> {
    return 'Written';
  }
}

async function isRegularOrMissing(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true;
    throw error;
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    await writeWhole(draft, text);
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
