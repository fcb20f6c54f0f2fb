import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execaNode } from 'execa';
import { parse, stringify } from 'yaml';
import { annotation, label } from '../../contract/labels.ts';
import { runKinds } from '../../scheduler/kinds.ts';
import { decodeRun } from '../../scheduler/run/record.ts';
import type { Run } from '../../scheduler/run/run.ts';
import {
  type RegistryImage,
  readNode,
  registryFile,
  type SimulatedNode,
  simulatedCrictl,
  simulatedStatfs,
  writeNode,
  writeRegistry,
} from '../fixtures/simulated/node.ts';
import { bundledProgram, compileCache } from './bundle.ts';

/** A machine for `nodesweep local`: simulated runtimes as its nodes, a directory of policies, and one of state. */
export class LocalHost {
  readonly directory: string;
  readonly policies: string;
  readonly state: string;
  #nodes: readonly string[] = [];

  static async create(nodes: Readonly<Record<string, SimulatedNode>>): Promise<LocalHost> {
    const directory = await mkdtemp(join(tmpdir(), 'local-'));
    await mkdir(join(directory, 'policies'));
    const host = new LocalHost(directory);
    host.setNodes(nodes);
    return host;
  }

  private constructor(directory: string) {
    this.directory = directory;
    this.policies = join(directory, 'policies');
    this.state = join(directory, 'state');
  }

  /** All that there is to clean, from the next start on. */
  setNodes(nodes: Readonly<Record<string, SimulatedNode>>): void {
    for (const [name, node] of Object.entries(nodes)) writeNode(join(this.directory, `${name}.json`), node);
    this.#nodes = Object.keys(nodes);
  }

  /** Adds nodes, from the next start on. The others stay as they are. */
  addNodes(nodes: Readonly<Record<string, SimulatedNode>>): void {
    const before = this.#nodes;
    this.setNodes(nodes);
    this.#nodes = [...before, ...this.#nodes];
  }

  /** Replaces all that the nodes can pull. */
  setRegistry(images: Readonly<Record<string, RegistryImage>>, down = false): void {
    writeRegistry(registryFile(join(this.directory, 'node.json')), { down, images });
  }

  /** Starts `nodesweep local` as a process of its own. */
  start(): LocalProcess {
    const endpoints = this.#nodes.map((name) => `${name}=${this.endpoint(name)}`);
    const args = ['local', '--policies', this.policies, '--state', this.state, '--endpoint', ...endpoints];
    return new LocalProcess(args);
  }

  endpoint(node: string): string {
    return `unix://${join(this.directory, `${node}.json`)}`;
  }

  /** Writes a policy as a manifest; a new `request` asks for a run. */
  async writePolicy(name: string, document: object, request?: string): Promise<void> {
    const annotations = request === undefined ? {} : { [annotation.runAt]: request };
    await this.#writeManifest(name, { 'cleanup.yaml': stringify(document) }, annotations);
  }

  /** Writes a policy of image lists as a manifest. */
  async writeLists(name: string, document: object, annotations: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#writeManifest(name, { 'prepull.yaml': stringify(document) }, annotations);
  }

  /** Writes an image set as a manifest, with a key for each text. */
  async writeSet(name: string, data: Readonly<Record<string, string>>): Promise<void> {
    const metadata = { name, labels: { [label.kind]: 'image-set' } };
    await this.write(`policies/set-${name}.yaml`, stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }));
  }

  async #writeManifest(name: string, data: object, annotations: object): Promise<void> {
    const metadata = { name, labels: { [label.kind]: 'policy' }, annotations };
    await this.write(`policies/${name}.yaml`, stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }));
  }

  async write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.directory, path)), { recursive: true });
    await writeFile(join(this.directory, path), text);
  }

  /** The names of the files in a part of the state, without those that are being written. */
  async files(part: 'runs' | 'statuses' | 'jobs' | 'pods' | 'pullers' | 'ledgers'): Promise<string[]> {
    const names = await readdir(join(this.state, part)).catch(() => []);
    return names.filter((name) => !name.endsWith('.tmp')).sort();
  }

  async runs(): Promise<Run[]> {
    const texts = (await this.files('runs')).map((file) => readFile(join(this.state, 'runs', file), 'utf8'));
    return (await Promise.all(texts)).map((text) => decodeRun(parse(text), runKinds));
  }

  imagesOf(node: string): string[] {
    return readNode(join(this.directory, `${node}.json`)).images.map(({ id, repoTags }) => repoTags[0] ?? id);
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }
}

/** A running `nodesweep local` and what it has logged. */
export class LocalProcess {
  /** Its lines, and those of its cleaners. */
  readonly lines: string[] = [];
  readonly #child;
  #wakeUp: () => void = () => {};

  constructor(args: readonly string[]) {
    this.#child = execaNode(bundledProgram(), args, {
      nodeOptions: ['--import', simulatedStatfs],
      env: {
        CRICTL: simulatedCrictl,
        PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
        ...compileCache(),
      },
      ipc: false,
      reject: false,
    });
    void this.#collect();
  }

  /** Resolves with the first line, so far or to come, that has the text in it. */
  async line(text: string): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => line.includes(text));
      if (found !== undefined) return found;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeUp = resolve;
      await promise;
    }
  }

  /** Sends the signal and waits for the end of the process, and of the cleaners that write where it does. */
  async end(signal: NodeJS.Signals): Promise<{ exitCode: number | undefined; stderr: string }> {
    this.#child.kill(signal);
    return this.ended();
  }

  async ended(): Promise<{ exitCode: number | undefined; stderr: string }> {
    const { exitCode, stderr } = await this.#child;
    return { exitCode, stderr };
  }

  async #collect(): Promise<void> {
    for await (const line of this.#child.iterable()) {
      this.lines.push(line);
      this.#wakeUp();
    }
  }
}
