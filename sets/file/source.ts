import { createReadStream } from 'node:fs';
import { readLines } from '../reading/lines.ts';
import type { SetBefore, SetContent, SetSource } from '../source.ts';

/** A file, or standard input, with lines. */
export class FileSource implements SetSource {
  readonly description: string;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.description = path === '-' ? 'standard input' : `file ${path}`;
  }

  async read(_: SetBefore, signal: AbortSignal): Promise<SetContent> {
    const stream = this.#path === '-' ? process.stdin : createReadStream(this.#path, { signal });
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(Buffer.from(chunk));
    return { entries: readLines(Buffer.concat(chunks).toString('utf8')) };
  }
}
