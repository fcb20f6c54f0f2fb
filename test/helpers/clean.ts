import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { ImageEvent } from '../../cleaner/report/events.ts';
import { type Report, reportSchema } from '../../contract/report.ts';
import {
  readNode,
  type SimulatedImage,
  type SimulatedNode,
  simulatedCrictl,
  simulatedStatfs,
  writeNode,
} from '../fixtures/simulated/node.ts';
import { bundledProgram, compileCache } from './bundle.ts';

/** A directory with a simulated node and all that a cleaner needs on it, to run the real cleaner as a process. */
export type Bench = {
  readonly directory: string;
  /** The file of the simulated node. */
  readonly nodeFile: string;
  readonly jobFile: string;
  readonly reportFile: string;
  readonly stateDirectory: string;
  remove(): Promise<void>;
};

export type CleanRun = {
  readonly exitCode: number | undefined;
  /** All that was logged. */
  readonly events: readonly Readonly<Record<string, unknown>>[];
  readonly images: readonly ImageEvent[];
  readonly report: Report;
};

/** Images of tests have tags alone, so what no registry gave may go unless the job says otherwise. */
export async function createBench(node: SimulatedNode, job: { readonly images?: object } = {}): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'clean-'));
  const bench = {
    directory,
    nodeFile: join(directory, 'node.json'),
    jobFile: join(directory, 'job.json'),
    reportFile: join(directory, 'report.json'),
    stateDirectory: join(directory, 'state'),
    remove: () => rm(directory, { recursive: true }),
  };
  writeNode(bench.nodeFile, node);
  const images = { keepSideLoaded: false, ...job.images };
  const written = { version: 1, policy: 'nightly', run: 'nightly-1', ...job, images };
  await writeFile(bench.jobFile, JSON.stringify(written));
  return bench;
}

/** Starts the cleaner; the promise that comes with the process is of what it logged and reported. */
export function startClean(bench: Bench, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const files = ['--job', bench.jobFile, '--report', bench.reportFile, '--state', bench.stateDirectory];
  const subprocess = execa(
    process.execPath,
    ['--import', simulatedStatfs, bundledProgram(), 'clean', ...files, ...args],
    {
      reject: false,
      // It has the 30 s that Kubernetes grants.
      forceKillAfterDelay: 30_000,
      env: {
        CRICTL: simulatedCrictl,
        CONTAINER_RUNTIME_ENDPOINT: `unix://${bench.nodeFile}`,
        NODE_NAME: 'node-1',
        ...compileCache(),
        ...env,
      },
    },
  );
  return { subprocess, done: subprocess.then(({ stdout, exitCode }) => readRun(bench, stdout, exitCode)) };
}

export function runClean(bench: Bench, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<CleanRun> {
  return startClean(bench, args, env).done;
}

/** The names of the images that are left on the node, or the IDs of those without. */
export function imagesLeft({ nodeFile }: Bench): readonly string[] {
  return readNode(nodeFile).images.map(nameOf).toSorted();
}

export function nameOf({ id, repoTags, repoDigests }: SimulatedImage): string {
  return repoTags[0] ?? repoDigests[0] ?? id;
}

async function readRun({ reportFile }: Bench, stdout: string, exitCode: number | undefined): Promise<CleanRun> {
  const events = stdout.split('\n').map((line): Readonly<Record<string, unknown>> => JSON.parse(line));
  const isImage = (event: object): event is ImageEvent => 'event' in event && event.event === 'image';
  const report = reportSchema.parse(JSON.parse(await readFile(reportFile, 'utf8')));
  return { exitCode, events, images: events.filter(isImage), report };
}
