import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import * as z from 'zod';
import { hasCode } from '../../contract/errors.ts';
import type { Log } from '../log.ts';
import type { Versioned } from '../objects.ts';
import { readStored } from '../yaml/read.ts';
import { createFile, replaceFile } from './files.ts';

/** The data of an object, as in a ConfigMap. */
type Data = Readonly<Record<string, string>>;

/** The codec of a kind of object. `decode` throws for damaged data. */
export interface Codec<T> {
  readonly encode: (value: T) => Data;
  readonly decode: (data: Data) => T;
}

const dataSchema = z.record(z.string(), z.string());

const extension = '.yaml';

/** Objects of one kind in a directory, one file for each object. Only this process writes there. */
export class LocalStore<T> {
  readonly #directory: string;
  readonly #codec: Codec<T>;
  readonly #log: Log;
  readonly #entries = new Map<string, Versioned<T>>();
  #writes = 0;

  constructor(directory: string, codec: Codec<T>, log: Log) {
    this.#directory = directory;
    this.#codec = codec;
    this.#log = log;
  }

  /** Reads the files of an earlier process. Ignores damaged files, and logs them. */
  async load(): Promise<void> {
    for (const file of await filesIn(this.#directory)) {
      try {
        const data = dataSchema.parse(readStored(await readFile(join(this.#directory, file), 'utf8')));
        this.#remember(file.slice(0, -extension.length), data);
      } catch (err) {
        const path = join(this.#directory, file);
        this.#log.error({ file: path, err }, `${path} is ignored: ${String(err)}`);
      }
    }
  }

  entries(): ReadonlyMap<string, Versioned<T>> {
    return this.#entries;
  }

  /** Returns the version of the new object; undefined if one with this name exists. */
  async create(name: string, value: T): Promise<string | undefined> {
    const data = this.#codec.encode(value);
    if (!(await createFile(this.#pathOf(name), stringify(data)))) return undefined;
    return this.#remember(name, data);
  }

  /** Returns the new version. */
  async replace(name: string, value: T): Promise<string> {
    const data = this.#codec.encode(value);
    await replaceFile(this.#pathOf(name), stringify(data));
    return this.#remember(name, data);
  }

  async delete(name: string): Promise<void> {
    this.#entries.delete(name);
    await rm(this.#pathOf(name), { force: true });
  }

  #remember(name: string, data: Data): string {
    const resourceVersion = String(++this.#writes);
    this.#entries.set(name, { value: this.#codec.decode(data), resourceVersion });
    return resourceVersion;
  }

  #pathOf(name: string): string {
    return join(this.#directory, `${name}${extension}`);
  }
}

async function filesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((file) => file.endsWith(extension)).sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
