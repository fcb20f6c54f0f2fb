import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { hasCode, messageOf } from '../../contract/errors.ts';

/** The argument for standard input, as for kubectl. */
const standardInput = '-';

/** A text that a command reads. */
export interface InputText {
  /** The path as a person wrote it, or as it was found below a directory; `stdin` for standard input. */
  readonly file: string;
  /** The last part of the path; empty for standard input. */
  readonly name: string;
  /** True if nobody named the file: it was found in a directory. */
  readonly isFound: boolean;
  /** Undefined if the file can't be read. */
  readonly text: string | undefined;
  /** The reason why the file can't be read. */
  readonly error?: string;
}

/**
 * Reads files, the YAML and JSON files below directories, and standard input for `-`. Directories are read in the order of
 * their names, without hidden files, and a link to a directory is not followed.
 */
export async function* readTexts(paths: readonly string[]): AsyncGenerator<InputText> {
  for (const path of new Set(paths)) {
    if (path === standardInput) yield readText('stdin', '', false, () => buffer(process.stdin));
    else if (await isDirectory(path)) yield* readDirectory(path);
    else yield readText(path, basename(path), false, () => readFile(path));
  }
}

async function isDirectory(path: string): Promise<boolean> {
  // A path that is not there is reported when it is read.
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

async function* readDirectory(directory: string): AsyncGenerator<InputText> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => messageOf(error));
  if (typeof entries === 'string') {
    yield { file: directory, name: basename(directory), isFound: false, text: undefined, error: entries };
    return;
  }
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, entry.name);
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    if (entry.isDirectory()) yield* readDirectory(path);
    else if (/\.(?:ya?ml|json)$/.test(entry.name) && !(await isDirectory(path)))
      yield readText(path, entry.name, true, () => readFile(path));
  }
}

/** The API server takes no text with bytes that are no UTF-8, which would be read as other characters. */
async function readText(
  file: string,
  name: string,
  isFound: boolean,
  read: () => Promise<Uint8Array>,
): Promise<InputText> {
  try {
    return { file, name, isFound, text: new TextDecoder('utf-8', { fatal: true }).decode(await read()) };
  } catch (error) {
    return { file, name, isFound, text: undefined, error: describeError(error) };
  }
}

function describeError(error: unknown): string {
  if (hasCode(error, 'ENOENT')) return 'there is no such file (ENOENT)';
  if (hasCode(error, 'EACCES', 'EPERM')) return 'this user may not read it';
  if (hasCode(error, 'ERR_ENCODING_INVALID_ENCODED_DATA')) return 'its encoding is not utf-8; save it as UTF-8';
  return messageOf(error);
}
