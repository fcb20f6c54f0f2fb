import { writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { parseImageSet } from '../../contract/images/image-set.ts';
import { HarborApi } from '../../sets/harbor/api.ts';
import { HarborSource, type HarborSourceOptions } from '../../sets/harbor/source.ts';
import { openConnection } from '../../sets/http/connection.ts';
import { HttpClient } from '../../sets/http/http-client.ts';
import { type Produced, produce } from '../../sets/produce.ts';
import { FakeSetStore } from './fake-set-store.ts';
import { type FakeArtifact, HarborServer, type SeenRequest } from './harbor-server.ts';

/** The time of the first look. */
export const lookedAt = new Date('2026-03-01T10:00:00Z');

export const critical = { id: 'CVE-2026-1', severity: 'Critical', fix_version: '2.0' };
export const unfixed = { id: 'CVE-2026-2', severity: 'Critical' };
export const high = { id: 'CVE-2026-3', severity: 'High', fix_version: '1.1' };

export const digestOf = (number: number): string => `sha256:${number.toString(16).padStart(64, '0')}`;

/** Builds an artifact whose digest is the number. */
export const artifact = (number: number, rest: Omit<FakeArtifact, 'digest'> = {}): FakeArtifact => ({
  digest: digestOf(number),
  ...rest,
});

/** Builds an artifact that was scanned, and has no vulnerability. */
export const clean = (number: number, ...tags: string[]): FakeArtifact =>
  artifact(number, { tags, vulnerabilities: [] });

export const isArtifacts = ({ path }: SeenRequest): boolean => path.endsWith('/artifacts');

interface LookOptions extends Partial<HarborSourceOptions> {
  readonly isAnonymous?: boolean;
  readonly signal?: AbortSignal;
}

/** The producer of a set from a Harbor on loopback, with the files of an account and a fake store. */
export class HarborProducer {
  server = new HarborServer();
  store = new FakeSetStore();
  /** The pauses before further attempts, in milliseconds. Nothing waits for them. */
  pauses: number[] = [];
  /** The directory of the files `username` and `password`. */
  directory = '';
  now = lookedAt;

  /** Begins anew, with an empty Harbor and no set. */
  async start(): Promise<void> {
    Object.assign(this, new HarborProducer());
    this.directory = await mkdtemp(join(tmpdir(), 'nodesweep-harbor-'));
    await writeFile(this.#files.usernameFile, 'robot$nodesweep\n');
    await writeFile(this.#files.passwordFile, 'first');
    await this.server.start();
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Takes a look with these options, and writes the set of the fake store. */
  async look({ isAnonymous, signal = new AbortController().signal, ...options }: LookOptions = {}): Promise<Produced> {
    const address = new URL(`http://127.0.0.1:${this.server.port}`);
    const readClock = () => this.now;
    const pause = async (ms: number, deadline: AbortSignal) => {
      this.pauses.push(ms);
      deadline.throwIfAborted();
    };
    const client = new HttpClient({ connection: openConnection({}), readClock, pause });
    const api = new HarborApi({ client, address, credentials: isAnonymous ? undefined : this.#files });
    const defaults = { projects: [], criteria: { severities: ['CRITICAL'], fixable: false } as const };
    const source = new HarborSource(api, { ...defaults, address, readClock, ...options });
    try {
      return await produce(source, this.store, { signal, readClock });
    } finally {
      await client.close();
    }
  }

  /** The images of the set and their reasons. */
  entries(): (readonly [image: string, reason: string | undefined])[] {
    return parseImageSet(this.store.text ?? '').entries.map(({ image, reason }) => [image, reason]);
  }

  images(): string[] {
    return this.entries().map(([image]) => image);
  }

  /** Harbor and the file get another password. */
  renewPassword(): void {
    this.server.account = { ...this.server.account, password: 'second' };
    writeFileSync(this.#files.passwordFile, 'second');
  }

  get #files() {
    return { usernameFile: join(this.directory, 'username'), passwordFile: join(this.directory, 'password') };
  }
}

/** Starts a producer before each test of a file, and stops it afterwards. */
export function useHarbor(): HarborProducer {
  const producer = new HarborProducer();
  beforeEach(() => producer.start());
  afterEach(() => producer.stop());
  return producer;
}
