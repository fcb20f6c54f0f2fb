import { readFile } from 'node:fs/promises';
import type { Log } from '../log.ts';
import { type Credentials, findCredentials, type KeyringEntry, readConfig } from './keyring.ts';

/** Secrets are read again after this time, because they change while the process runs. */
const maxAgeMs = 60_000;

/** The pull secrets in files. A file that can't be read gives no credentials. */
export class PullSecrets {
  readonly #paths: readonly string[];
  readonly #log: Pick<Log, 'warn'>;
  #entries: Promise<readonly KeyringEntry[]> | undefined;
  #readAtMs = 0;
  /** The last problem of each file. It is told once. */
  readonly #problems = new Map<string, string>();

  constructor(paths: readonly string[], log: Pick<Log, 'warn'>) {
    this.#paths = paths;
    this.#log = log;
  }

  /** The credentials for a repository, the best first; none if it is read without. */
  async credentialsFor(repository: string): Promise<readonly Credentials[]> {
    const now = performance.now();
    if (this.#entries === undefined || now - this.#readAtMs >= maxAgeMs) {
      this.#entries = this.#read();
      this.#readAtMs = now;
    }
    return findCredentials(await this.#entries, repository);
  }

  async #read(): Promise<readonly KeyringEntry[]> {
    return (await Promise.all(this.#paths.map((path) => this.#readFile(path)))).flat();
  }

  async #readFile(path: string): Promise<readonly KeyringEntry[]> {
    try {
      const entries = readConfig(await readFile(path, 'utf8'));
      this.#problems.delete(path);
      return entries;
    } catch (error) {
      // The message of an error of a parser may have a part of the secret.
      const cause = error instanceof Error && 'code' in error ? String(error.code) : 'it is no config.json';
      if (this.#problems.get(path) === cause) return [];
      this.#problems.set(path, cause);
      this.#log.warn({ path }, `the pull secret ${path} can't be read (${cause}): check NODESWEEP_REGISTRY_SECRETS`);
      return [];
    }
  }
}
