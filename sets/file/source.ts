import { basename } from 'node:path';
import { type CheckOptions, checkContent } from '../checking/checks.ts';
import { readContent } from '../reading/content.ts';
import type { Criteria } from '../reading/select.ts';
import type { SetBefore, SetContent, SetSource } from '../source.ts';
import { readWhole } from './read-file.ts';

export interface FileSourceOptions {
  /** A path, or `-` for standard input. */
  readonly path: string;
  readonly criteria: Criteria;
  readonly checks: CheckOptions;
  readonly maxBytes: number;
}

/** A file, or standard input, with lines or reports. */
export class FileSource implements SetSource {
  readonly description: string;
  readonly #options: FileSourceOptions;

  constructor(options: FileSourceOptions) {
    this.#options = options;
    this.description = options.path === '-' ? 'standard input' : `file ${options.path}`;
  }

  async read(_: SetBefore, signal: AbortSignal): Promise<SetContent> {
    const { path, criteria, checks, maxBytes } = this.#options;
    const content = await readWhole(path, maxBytes, signal);
    await checkContent(content, checks, basename(path), (signature) => readWhole(signature, maxBytes, signal));
    return { entries: readContent(content, criteria) };
  }
}
