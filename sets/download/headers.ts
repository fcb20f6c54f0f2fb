import { readFile } from 'node:fs/promises';
import { hasCode, messageOf } from '../../contract/errors.ts';

/** A file with credentials can't be used. The message has no part of its content. */
export class HeaderFileError extends Error {
  override readonly name = 'HeaderFileError';
}

/** The files with credentials. They are read for each attempt, because a mounted Secret can change at any time. */
export interface HeaderFiles {
  /** A file with lines like `Name: value`. */
  readonly headerFile?: string | undefined;
  /** A file with a token for `Authorization: Bearer`. */
  readonly tokenFile?: string | undefined;
}

const namePattern = /^[\w!#$%&'*+.^`|~-]+$/;
const valuePattern = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Headers of the connection, which the client itself sets. */
const reservedNames = [
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
];

/** Reads the headers of the files. Throws a {@link HeaderFileError} if they can't be used. */
export async function readHeaders({ headerFile, tokenFile }: HeaderFiles): Promise<Readonly<Record<string, string>>> {
  const headers = headerFile === undefined ? {} : parseHeaders(await readSecret(headerFile), headerFile);
  if (tokenFile === undefined) return headers;
  const token = (await readSecret(tokenFile)).trim();
  if (token === '' || /\s/.test(token) || !valuePattern.test(token))
    throw new HeaderFileError(`${tokenFile} must have one token, and nothing else`);
  return { ...headers, authorization: `Bearer ${token}` };
}

function parseHeaders(text: string, path: string): Record<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  return Object.fromEntries(lines.map((line, index) => parseHeader(line, `${path}, line ${index + 1}`)));
}

function parseHeader(line: string, place: string): readonly [name: string, value: string] {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
  const value = line.slice(colon + 1).trim();
  if (!namePattern.test(name) || !valuePattern.test(value))
    throw new HeaderFileError(`${place} is no header: write lines like "Authorization: Basic ..."`);
  if (reservedNames.includes(name)) throw new HeaderFileError(`${place} has the header ${name}, which can't be set`);
  return [name, value];
}

async function readSecret(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const words = hasCode(cause, 'ENOENT') ? 'is missing' : `can't be read: ${messageOf(cause)}`;
    throw new HeaderFileError(`${path} ${words}: check the Secret that is mounted there`, { cause });
  }
}
