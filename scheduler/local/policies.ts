import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { hasCode } from '../../contract/errors.ts';
import { annotation, hash } from '../../contract/labels.ts';
import { cutText } from '../../contract/text.ts';
import { inTurns } from '../in-turns.ts';
import { runKinds } from '../kinds.ts';
import type { Log } from '../log.ts';
import type { PolicyObject } from '../objects.ts';
import { formatFinding } from '../policy/files/findings.ts';
import { lintText } from '../policy/lint.ts';
import { countLines, type SetTexts } from '../sets/count-lines.ts';
import { type ImageSet, timeOfSet } from '../sets/image-set.ts';
import { type Manifest, type Manifests, readManifests, type SetManifest } from './manifests.ts';

/** The maximum number of problems of a file in the log, and the maximum length of their lines. */
const maxLogged = 20;
const maxLineLength = 1_000;

const documentNames = ['cleanup.yaml', 'prepull.yaml'];

/** The error if the directory with the policies can't be read. */
export class PolicyDirectoryError extends Error {
  override readonly name = 'PolicyDirectoryError';
}

interface PolicyFile {
  /** Undefined if the file can't be read. */
  readonly text: string | undefined;
  /** Undefined if the file can't be parsed. */
  readonly policies: readonly Manifest[] | undefined;
  readonly sets: readonly LocalSet[];
}

/** An image set with its texts, for the cleaners. */
export interface LocalSet extends ImageSet {
  readonly texts: SetTexts;
}

/**
 * The policies and image sets of a directory: ConfigMap manifests in `*.yaml`, and bare documents of policies in
 * `<name>/cleanup.yaml`.
 */
export class PolicyDirectory {
  readonly #directory: string;
  readonly #log: Log;
  #files: ReadonlyMap<string, PolicyFile> = new Map();
  #policies: readonly PolicyObject[] = [];
  #sets: ReadonlyMap<string, LocalSet> = new Map();

  constructor(directory: string, log: Log) {
    this.#directory = directory;
    this.#log = log;
  }

  policies(): readonly PolicyObject[] {
    return this.#policies;
  }

  /** The image sets by name. */
  sets(): ReadonlyMap<string, LocalSet> {
    return this.#sets;
  }

  /** True if all files were parsed. Only then a missing policy counts as deleted. */
  isComplete(): boolean {
    return [...this.#files.values()].every(({ policies }) => policies !== undefined);
  }

  /** Reads the directory again, and returns true if anything changed. Rejects with a {@link PolicyDirectoryError}. */
  async refresh(now: Date): Promise<boolean> {
    const files = new Map<string, PolicyFile>();
    for (const path of await listFiles(this.#directory)) files.set(path, await this.#readFile(path));
    const isSame =
      files.size === this.#files.size && [...files].every(([path, file]) => this.#files.get(path) === file);
    if (isSame) return false;
    this.#files = files;
    this.#policies = this.#collect(now);
    // The last one of several with the same name counts, as for policies.
    this.#sets = new Map([...files.values()].flatMap(({ sets }) => sets.map((set) => [set.name, set] as const)));
    return true;
  }

  async #readFile(path: string): Promise<PolicyFile> {
    const known = this.#files.get(path);
    try {
      // Without `fatal`, bytes that are not UTF-8 would become other characters.
      const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
      if (known?.text === text && known.sets.length === 0) return known;
      const { mtime } = await stat(path);
      if (known?.text === text && known.sets.every((set) => isOf(set, mtime))) return known;
      if (known?.text !== text) this.#reportProblems(path, text);
      const { policies, sets = [] } = readContent(path, text) ?? {};
      return { text, policies, sets: await Promise.all(sets.map((set) => readSet(set, mtime))) };
    } catch (err) {
      if (known !== undefined && known.text === undefined) return known;
      this.#log.error({ file: path, err }, `${path} can't be read: ${String(err)}`);
      return { text: undefined, policies: undefined, sets: [] };
    }
  }

  /** Logs the problems that `nodesweep lint` prints. A policy with problems starts no run, and does not affect others. */
  #reportProblems(file: string, text: string): void {
    const { problems } = lintText(basename(file), text, runKinds);
    for (const problem of problems.slice(0, maxLogged))
      this.#log.warn({ file, path: problem.path }, cutText(formatFinding(file, problem), maxLineLength));
    if (problems.length > maxLogged)
      this.#log.warn({ file }, `${file}: and ${problems.length - maxLogged} more problems; nodesweep lint lists all`);
  }

  /**
   * Collects the policies. The last one of several with the same name counts, as if the files were applied in their
   * order.
   */
  #collect(now: Date): PolicyObject[] {
    const objects = new Map<string, PolicyObject>();
    for (const [file, { policies = [] }] of this.#files) {
      for (const policy of policies) {
        if (objects.has(policy.name))
          this.#log.warn({ file, policy: policy.name }, `${file}: policy ${policy.name} replaces an earlier one`);
        objects.set(policy.name, this.#toObject(policy, now));
      }
    }
    return [...objects.values()];
  }

  /** The creation time of a policy is the time of its first read, so that an old file starts no run for an earlier time. */
  #toObject(policy: Manifest, now: Date): PolicyObject {
    const known = this.#policies.find(({ name }) => name === policy.name);
    const resourceVersion = hash(JSON.stringify(policy), 12);
    return { ...policy, uid: hash(policy.name, 12), resourceVersion, createdAt: known?.createdAt ?? now };
  }
}

function readContent(path: string, text: string): Manifests | undefined {
  const key = basename(path);
  if (!documentNames.includes(key)) return readManifests(text);
  return { policies: [{ name: basename(dirname(path)), annotations: {}, data: { [key]: text } }], sets: [] };
}

/** Without an annotation, a set is as old as the last change of its file. */
async function readSet({ name, annotations, texts }: SetManifest, changedAt: Date): Promise<LocalSet> {
  const updatedAt = timeOfSet(annotations[annotation.setUpdatedAt], changedAt);
  const version = versionOf(changedAt);
  return { name, version, updatedAt, content: await inTurns(countLines(texts)), texts };
}

function isOf({ version }: LocalSet, changedAt: Date): boolean {
  return version === versionOf(changedAt);
}

function versionOf(changedAt: Date): string {
  return changedAt.toISOString();
}

async function listFiles(directory: string): Promise<string[]> {
  try {
    const names = (await readdir(directory)).filter((name) => !name.startsWith('.')).sort();
    const files = await Promise.all(names.map((name) => expand(directory, name)));
    return files.flat();
  } catch (cause) {
    throw new PolicyDirectoryError(`the directory of the policies can't be read: ${String(cause)}`, { cause });
  }
}

async function expand(directory: string, name: string): Promise<string[]> {
  if (/\.ya?ml$/.test(name)) return [join(directory, name)];
  try {
    const inside = await readdir(join(directory, name));
    return inside.filter((file) => documentNames.includes(file)).map((file) => join(directory, name, file));
  } catch (error) {
    // Ignores other files, such as a README.
    if (hasCode(error, 'ENOTDIR', 'ENOENT')) return [];
    throw error;
  }
}
