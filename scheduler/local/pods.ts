import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import * as z from 'zod';
import {
  boundReferencesFile,
  packReferences,
  prepulledReferencesFile,
  removeReferencesFile,
} from '../../contract/packed-references.ts';
import { packVerdicts, pullVerdictsFile } from '../../contract/pull-verdicts.ts';
import type { NodeRuntime } from '../cleanup/node-runtime.ts';
import type { RunPod } from '../objects.ts';
import type { NodeReferences } from '../pods/pod-template.ts';
import type { SetTexts } from '../sets/count-lines.ts';
import { readText, replaceFile } from './files.ts';

/** The program that processes of runs start, with one of its commands. */
export interface Launch {
  /** The command of this program: its file, and the arguments in front of a command. */
  readonly program: readonly [file: string, ...arguments_: string[]];
  readonly environment: NodeJS.ProcessEnv;
  readonly logLevel: string;
}

/** A request to start a cleaner. */
export type CleanerOrder = Pick<RunPod, 'name' | 'run' | 'node' | 'attempt'> & {
  /** The document of its job. */
  readonly job: string;
  readonly references: NodeReferences;
  /** The image sets of its policy by name; undefined if it names none. */
  readonly sets?: ReadonlyMap<string, SetTexts> | undefined;
  readonly runtime: NodeRuntime;
};

const podSchema = z.object({
  name: z.string(),
  run: z.string(),
  node: z.string(),
  attempt: z.int(),
  due: z.array(z.string()).optional(),
  createdAt: z.iso.datetime(),
  pid: z.int(),
});

/** The grace period, as for a pod: long enough to finish the current batch of removals. */
const graceMs = 120_000;
const orphanPollMs = 500;
/** The directory with the image sets, in that of a cleaner. */
const setsDirectory = 'sets';

interface Entry {
  pod: RunPod;
  /** Requests the end of the process, if it runs. */
  readonly end: () => void;
  ended: Promise<void>;
}

/** Cleaners as child processes. Each has a directory with its fields and its report, which a later process reads. */
export class LocalPods {
  readonly #directory: string;
  readonly #launch: Launch;
  readonly #onChange: () => void;
  readonly #entries = new Map<string, Entry>();

  constructor(directory: string, launch: Launch, onChange: () => void) {
    this.#directory = directory;
    this.#launch = launch;
    this.#onChange = onChange;
  }

  /** Adopts the cleaners of an earlier process. They may have ended, or still run. */
  async load(): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    for (const name of await readdir(this.#directory)) {
      const saved = await this.#readSaved(name);
      if (saved === undefined) await rm(join(this.#directory, name), { recursive: true, force: true });
      else await this.#adopt(saved);
    }
  }

  list(): RunPod[] {
    return [...this.#entries.values()].map(({ pod }) => pod);
  }

  /** Starts a cleaner if it does not exist. */
  async create(order: CleanerOrder): Promise<void> {
    const { name, run, node, attempt, references } = order;
    if (this.#entries.has(name)) return;
    const directory = join(this.#directory, name);
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'job.json'), order.job);
    await writeFile(join(directory, boundReferencesFile), packReferences(references.bound));
    await writeFile(join(directory, prepulledReferencesFile), packReferences(references.prepulled));
    const { due, pullVerdicts } = references;
    if (due !== undefined) await writeFile(join(directory, removeReferencesFile), packReferences(due));
    if (order.sets !== undefined) await writeSets(join(directory, setsDirectory), order.sets);
    if (pullVerdicts !== undefined) await writeFile(join(directory, pullVerdictsFile), packVerdicts(pullVerdicts));
    const child = this.#spawn(order);
    const createdAt = new Date();
    const pod: RunPod = { kind: 'cleaner', name, run, node, attempt, due, createdAt, phase: 'Running' };
    const ended = child.then(({ exitCode, signal, stderr, shortMessage }) =>
      this.#settle(name, exitCode, `${signal ?? 'Error'}`, stderr.slice(-1_000) || (shortMessage ?? 'no output')),
    );
    this.#entries.set(name, { pod, end: () => child.kill('SIGTERM'), ended });
    const saved = { ...pod, createdAt: createdAt.toISOString(), pid: child.pid ?? 0 };
    await replaceFile(this.#pathOf(name, 'pod.json'), JSON.stringify(saved));
  }

  /** Requests the end of a cleaner, and then removes it. */
  async delete(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.pod.deletionTimestamp !== undefined) return;
    if (entry.pod.phase !== 'Running') return this.#drop(name);
    entry.pod = { ...entry.pod, deletionTimestamp: new Date() };
    entry.end();
  }

  /** Requests the end of all cleaners, and waits until they have finished their current batch. */
  async stop(): Promise<void> {
    const entries = [...this.#entries.values()];
    for (const { pod, end } of entries) if (pod.phase === 'Running') end();
    await Promise.all(entries.map(({ ended }) => ended));
  }

  /** Inherits the output of this process, so that a cleaner can continue when this process is killed. */
  #spawn({ name, node, runtime, sets }: CleanerOrder) {
    const { program, environment, logLevel } = this.#launch;
    const [file, ...own] = program;
    const [job, report] = [this.#pathOf(name, 'job.json'), this.#pathOf(name, 'report.json')];
    const setOptions = sets === undefined ? [] : ['--sets', this.#pathOf(name, setsDirectory)];
    const options = ['--job', job, '--report', report, '--state', runtime.stateDirectory, ...setOptions];
    return execa(file, [...own, 'clean', ...options], {
      env: {
        ...environment,
        NODE_NAME: node,
        CONTAINER_RUNTIME_ENDPOINT: `unix://${runtime.socket}`,
        LOG_LEVEL: logLevel,
      },
      extendEnv: false,
      stdin: 'ignore',
      stdout: 'inherit',
      stderr: ['inherit', 'pipe'],
      reject: false,
      cleanup: false,
      forceKillAfterDelay: graceMs,
    });
  }

  /** Records the end of a process. Without a report, `words` are the cause. */
  async #settle(name: string, exitCode: number | undefined, reason: string, words: string): Promise<void> {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    const containerMessage = (await readText(this.#pathOf(name, 'report.json'))) ?? words;
    if (exitCode === 0) entry.pod = { ...entry.pod, phase: 'Succeeded', exitCode, containerMessage };
    else entry.pod = { ...entry.pod, phase: 'Failed', exitCode, containerReason: reason, containerMessage };
    if (entry.pod.deletionTimestamp !== undefined) await this.#drop(name);
    this.#onChange();
  }

  async #adopt({ pid, createdAt, ...fields }: z.output<typeof podSchema>): Promise<void> {
    const { name } = fields;
    const pod: RunPod = { kind: 'cleaner', ...fields, createdAt: new Date(createdAt), phase: 'Running' };
    const isAlive = () => isCleaner(pid, this.#pathOf(name, 'report.json'));
    const end = async () => {
      if (await isAlive()) process.kill(pid, 'SIGTERM');
    };
    const entry: Entry = { pod, end, ended: Promise.resolve() };
    this.#entries.set(name, entry);
    const settle = () => this.#settle(name, undefined, 'Lost', 'the scheduler was stopped before the cleaner ended');
    if (await isAlive()) entry.ended = waitWhile(isAlive).then(settle);
    else await settle();
  }

  async #drop(name: string): Promise<void> {
    this.#entries.delete(name);
    await rm(join(this.#directory, name), { recursive: true, force: true });
    this.#onChange();
  }

  async #readSaved(name: string): Promise<z.output<typeof podSchema> | undefined> {
    const text = await readText(this.#pathOf(name, 'pod.json'));
    return text === undefined ? undefined : podSchema.safeParse(JSON.parse(text)).data;
  }

  #pathOf(name: string, file: string): string {
    return join(this.#directory, name, file);
  }
}

/** Writes sets as a pod has them: a directory for each set, with a file for each key. They don't change while the cleaner runs. */
async function writeSets(directory: string, sets: ReadonlyMap<string, SetTexts>): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [name, texts] of sets) {
    await mkdir(join(directory, name), { recursive: true });
    for (const [key, text = ''] of texts) await writeFile(join(directory, name, key), text);
  }
}

/** True if the process is still this cleaner, because another process may have the same ID now. */
async function isCleaner(pid: number, report: string): Promise<boolean> {
  return (await readText(`/proc/${pid}/cmdline`))?.split('\0').includes(report) ?? false;
}

async function waitWhile(condition: () => Promise<boolean>): Promise<void> {
  while (await condition()) await sleep(orphanPollMs);
}
