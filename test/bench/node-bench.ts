import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { readPressure } from '../../cleaner/removal/pressure-file.ts';
import { parseReport, type Report } from '../../contract/report.ts';
import type { Runtime } from '../cluster/containerd.ts';
import { buildImageSpecs, type ImageSize, type WrittenImage, writeImages } from '../helpers/images.ts';
import { searchPath, TestNode } from '../helpers/test-node.ts';
import { bundle, cleanerEnvironment, nodeOptions } from './cleaner.ts';

/** Images that are imported again for each measurement. */
export interface Store {
  readonly tar: string;
  readonly images: readonly WrittenImage[];
}

export interface CleanerRun {
  readonly durationMs: number;
  readonly report: Report;
  readonly stderr: string;
}

/** A real runtime with one container on it, the bundled cleaner, and what it is compared with. */
export class NodeBench {
  readonly node: TestNode;
  readonly #directory: string;

  static async start(runtime: Runtime): Promise<NodeBench> {
    const node = await TestNode.start('bench-node', { runtime });
    const [user] = await node.importRunnables(['registry.test/user:1']);
    await node.runPod(user?.id);
    return new NodeBench(node, await mkdtemp(join(tmpdir(), 'bench-')));
  }

  private constructor(node: TestNode, directory: string) {
    this.node = node;
    this.#directory = directory;
  }

  async stop(): Promise<void> {
    await this.node.stop();
    await rm(this.#directory, { recursive: true });
  }

  /** Writes the images down; they are not imported yet. */
  async prepareStore(count: number, size: ImageSize): Promise<Store> {
    const tar = join(this.#directory, `${count}-${size.filesPerLayer}.tar`);
    return { tar, images: await writeImages(tar, buildImageSpecs('registry.test/unused', count, size)) };
  }

  /** Imports the images, and waits until the disk is at rest again: nobody pays for it later. */
  async fill({ tar, images }: Store): Promise<void> {
    await this.node.lone.importImages(tar, images);
    await execa('sync');
    await settle();
  }

  /** The whole cleaner, as in its image: from the start of the process to its end. */
  async clean(
    policy: object,
    environment: Readonly<Record<string, string>> = {},
    options: readonly string[] = [],
  ): Promise<CleanerRun> {
    const files = { policy: join(this.#directory, 'cleanup.yaml'), report: join(this.#directory, 'report.json') };
    await writeFile(files.policy, JSON.stringify({ schedule: '@daily', ...policy }));
    const state = join(this.node.lone.imageDirectory, 'nodesweep');
    const args = ['--policy', files.policy, '--report', files.report, '--state', state];
    const { durationMs, stderr } = await execa(
      process.execPath,
      [...nodeOptions, ...options, bundle, 'clean', ...args],
      {
        env: {
          ...cleanerEnvironment,
          PATH: searchPath,
          CRICTL: this.node.crictlPath,
          CONTAINER_RUNTIME_ENDPOINT: `unix://${this.node.lone.socket}`,
          ...environment,
        },
      },
    );
    const report = parseReport(await readFile(files.report, 'utf8'));
    if (report === undefined) throw new Error('the cleaner left no report');
    return { durationMs, report, stderr };
  }

  /** One `crictl rmi` with all IDs; returns its time in ms. */
  async removeAtOnce({ images }: Store): Promise<number> {
    return this.#remove(images.map(({ id }) => id));
  }

  /** `crictl rmi` once for each image. */
  async removeEach({ images }: Store): Promise<number> {
    const startedAt = performance.now();
    for (const { id } of images) await this.#remove([id]);
    return performance.now() - startedAt;
  }

  async #remove(ids: readonly string[]): Promise<number> {
    const endpoint = `unix://${this.node.lone.socket}`;
    const { durationMs } = await execa(
      this.node.crictlPath,
      ['-t', '600s', '-r', endpoint, '-i', endpoint, 'rmi', ...ids],
      { env: { PATH: searchPath } },
    );
    return durationMs;
  }
}

/** If the kernel tells no pressure, or others never give the disk a rest, the time has to do. */
const settleMs = 20_000;
const restingPercent = 10;

async function settle(): Promise<void> {
  const endsAt = performance.now() + settleMs;
  let recentPercent = 100;
  while (recentPercent > restingPercent && performance.now() < endsAt) {
    await sleep(500);
    recentPercent = (await readPressure()).io?.recentPercent ?? 0;
  }
}
