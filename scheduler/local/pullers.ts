import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeRuntime } from '../cleanup/node-runtime.ts';
import type { PodContainer, RunPod } from '../objects.ts';
import { hasStopped } from '../pods/state.ts';
import { prepareContainer } from '../prepull/states/container-names.ts';
import { readText, replaceFile } from './files.ts';
import { crictlImages } from './image-service.ts';
import type { PullerSpec } from './pod-body.ts';
import type { Launch } from './pods.ts';
import { prepareNode } from './prepare.ts';
import { type PullerNode, runPuller } from './puller.ts';
import { decodePuller, encodePuller, type SavedPuller } from './saved-puller.ts';

/** A request to start a puller. */
export type PullerOrder = Pick<RunPod, 'name' | 'run' | 'node' | 'attempt'> & {
  readonly spec: PullerSpec;
  readonly runtime: NodeRuntime;
};

interface Entry extends Omit<SavedPuller, 'pod'> {
  pod: SavedPuller['pod'];
  /** Aborts the pulls in progress. */
  readonly stop: AbortController;
  ended: Promise<void>;
}

/** The longest time of a timer. */
const maxTimerMs = 2 ** 31 - 1;

/**
 * Pullers whose kubelet is this process: it asks the runtime for their images, and reports the states of their containers as
 * a kubelet does. Each has a directory with its fields, so that the next process continues with it, or knows that it is held.
 */
export class LocalPullers {
  readonly #directory: string;
  readonly #launch: Launch;
  readonly #onChange: () => void;
  readonly #entries = new Map<string, Entry>();

  constructor(directory: string, launch: Launch, onChange: () => void) {
    this.#directory = directory;
    this.#launch = launch;
    this.#onChange = onChange;
  }

  /** Continues with the pullers of an earlier process. */
  async load(): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    for (const name of await readdir(this.#directory)) {
      const saved = decodePuller((await readText(this.#pathOf(name, 'pod.json'))) ?? '');
      if (saved === undefined) await rm(join(this.#directory, name), { recursive: true, force: true });
      else this.#begin(saved);
    }
  }

  list(): RunPod[] {
    return [...this.#entries.values()].map(({ pod }) => pod);
  }

  /** The images of all pullers on a node: a puller that works needs them, and one that has ended holds them. */
  imagesOn(node: string): readonly string[] {
    const there = [...this.#entries.values()].filter(({ pod }) => pod.node === node);
    return [...new Set(there.flatMap(({ spec }) => spec.containers.map(({ image }) => image)))];
  }

  /** Starts a puller if it does not exist. */
  async create({ spec, runtime, ...identity }: PullerOrder): Promise<void> {
    if (this.#entries.has(identity.name)) return;
    const state = { type: 'Waiting', reason: 'PodInitializing', message: '' } as const;
    const names = [prepareContainer, ...spec.containers.map(({ name }) => name)];
    const containers = names.map((name) => ({ name, state }));
    const pod = { kind: 'puller', ...identity, createdAt: new Date(), phase: 'Running', containers } as const;
    const saved = { pod, spec, runtime };
    await this.#save(saved);
    this.#begin(saved);
  }

  /** Ends a puller, and then removes it. */
  async delete(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.pod.deletionTimestamp !== undefined) return;
    if (hasStopped(entry.pod)) return this.#drop(name);
    entry.pod = { ...entry.pod, deletionTimestamp: new Date() };
    entry.stop.abort();
  }

  /** Ends the pulls in progress. The next process starts them again. */
  async stop(): Promise<void> {
    const entries = [...this.#entries.values()];
    for (const { stop } of entries) stop.abort();
    await Promise.all(entries.map(({ ended }) => ended));
  }

  #begin(saved: SavedPuller): void {
    const entry: Entry = { ...saved, stop: new AbortController(), ended: Promise.resolve() };
    this.#entries.set(saved.pod.name, entry);
    if (!hasStopped(saved.pod)) entry.ended = this.#run(entry);
  }

  /** Runs a puller to its end, at most until its deadline. */
  async #run(entry: Entry): Promise<void> {
    const { pod, spec, stop } = entry;
    const leftMs = pod.createdAt.getTime() + spec.activeDeadlineSeconds * 1_000 - Date.now();
    const deadline = AbortSignal.timeout(Math.min(maxTimerMs, Math.max(0, leftMs)));
    const work = { containers: spec.containers, states: pod.containers };
    try {
      const phase = await runPuller(work, this.#nodeOf(entry), AbortSignal.any([stop.signal, deadline]));
      await this.#settle(entry, { phase });
    } catch (error) {
      if (!stop.signal.aborted) await this.#settle(entry, endOf(error, deadline));
    }
    if (entry.pod.deletionTimestamp !== undefined) await this.#drop(pod.name);
  }

  #nodeOf(entry: Entry): PullerNode {
    const { pod, spec, runtime } = entry;
    const { environment } = this.#launch;
    const first = {
      arguments: spec.prepareArguments,
      runtime,
      report: this.#pathOf(pod.name, 'prepared.json'),
    };
    return {
      images: crictlImages({ executable: environment.CRICTL || 'crictl', socket: runtime.socket, environment }),
      prepare: (signal) => prepareNode(first, this.#launch, signal),
      report: (container) => this.#report(entry, container),
      now: () => new Date(),
      wait: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
    };
  }

  async #report(entry: Entry, container: PodContainer): Promise<void> {
    const { containers } = entry.pod;
    const before = containers.find(({ name }) => name === container.name);
    if (JSON.stringify(before) === JSON.stringify(container)) return;
    await this.#change(entry, { containers: containers.map((known) => (known === before ? container : known)) });
  }

  /** Ends a pod. A kubelet does not know the state of a container that has not ended by itself. */
  async #settle(entry: Entry, end: End): Promise<void> {
    const lost = { type: 'Terminated', reason: 'ContainerStatusUnknown', exitCode: 137 } as const;
    const containers = entry.pod.containers.map((container) =>
      container.state.type === 'Terminated' ? container : { ...container, state: lost },
    );
    await this.#change(entry, { ...end, containers });
  }

  async #change(entry: Entry, fields: Partial<SavedPuller['pod']>): Promise<void> {
    entry.pod = { ...entry.pod, ...fields };
    await this.#save(entry);
    this.#onChange();
  }

  async #save(saved: SavedPuller): Promise<void> {
    await replaceFile(this.#pathOf(saved.pod.name, 'pod.json'), encodePuller(saved));
  }

  async #drop(name: string): Promise<void> {
    this.#entries.delete(name);
    await rm(join(this.#directory, name), { recursive: true, force: true });
    this.#onChange();
  }

  #pathOf(name: string, file: string): string {
    return join(this.#directory, name, file);
  }
}

type End = Pick<RunPod, 'phase' | 'reason' | 'message'>;

/** The end of a puller that did not end by itself. */
function endOf(error: unknown, deadline: AbortSignal): End {
  if (!deadline.aborted) return { phase: 'Failed', reason: 'Error', message: String(error) };
  const message = 'Pod was active on the node longer than the specified deadline';
  return { phase: 'Failed', reason: 'DeadlineExceeded', message };
}
