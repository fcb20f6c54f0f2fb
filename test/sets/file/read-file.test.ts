import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileSource } from '../../../sets/file/source.ts';

let directory: string;
const path = () => join(directory, 'list.txt');

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-file-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function read(options: { readonly path?: string; readonly maxBytes?: number; readonly sha256File?: string } = {}) {
  const { maxBytes = 10_000_000, sha256File } = options;
  const criteria = { severities: [], isFixableOnly: false, isEndOfLife: false };
  const source = new FileSource({ path: options.path ?? path(), criteria, checks: { sha256File }, maxBytes });
  return source.read({ entries: [], memory: undefined }, new AbortController().signal);
}

describe('a set from a file', () => {
  it('has its lines', async () => {
    await writeFile(path(), 'acme/web:1\n');
    expect(await read()).toEqual({ entries: [{ image: 'acme/web:1' }] });
  });

  it('is refused if the file is missing, a directory, or too large', async () => {
    await expect(read()).rejects.toThrow('ENOENT');
    await expect(read({ path: directory })).rejects.toThrow('EISDIR');
    await writeFile(path(), 'acme/web:1\n');
    await expect(read({ maxBytes: 5 })).rejects.toThrow('more than 5 bytes: divide it, or allow more with --max-size');
  });

  it('is refused if somebody writes the file in place meanwhile (S8)', async () => {
    await writeFile(path(), 'acme/web:1\n'.repeat(400_000));
    const reading = read();
    await appendFile(path(), 'acme/api:2\n');
    await expect(reading).rejects.toThrow('it changed while it was read');
  });

  it('is refused if the file of checksums can not be read (S11)', async () => {
    await writeFile(path(), 'acme/web:1\n');
    await expect(read({ sha256File: join(directory, 'missing') })).rejects.toThrow("missing can't be read: ENOENT");
  });
});
