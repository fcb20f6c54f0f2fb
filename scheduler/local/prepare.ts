import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { NodeRuntime } from '../cleanup/node-runtime.ts';
import { readText } from './files.ts';
import type { Launch } from './pods.ts';
import type { Preparation } from './puller.ts';

/** The first container of a puller, as a process. */
export interface FirstContainer {
  readonly arguments: readonly string[];
  readonly runtime: NodeRuntime;
  /** The path of its termination message. */
  readonly report: string;
}

/** The paths in the arguments of the first container: a volume of the pod, and the file of its termination message. */
const podPaths = { shared: '/nodesweep', report: '/dev/termination-log' } as const;

/** The exit code of a process that a signal has ended. */
const killed = 137;
const maxWords = 1_000;

/** Runs the first container of a puller. It measures the disk on which its directory is, which is that of the images. */
export async function prepareNode(
  { arguments: podArguments, runtime, report }: FirstContainer,
  { program, environment }: Launch,
  signal: AbortSignal,
): Promise<Preparation> {
  const shared = join(runtime.stateDirectory, 'puller');
  await mkdir(shared, { recursive: true });
  const paths = new Map<string, string>([
    [podPaths.shared, shared],
    [podPaths.report, report],
  ]);
  const localArguments = podArguments.map((argument) => paths.get(argument) ?? argument);
  const [file, ...own] = program;
  const { exitCode = killed, stderr } = await execa(file, [...own, ...localArguments], {
    env: { ...environment, CONTAINER_RUNTIME_ENDPOINT: `unix://${runtime.socket}` },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    cancelSignal: signal,
  });
  return { exitCode, message: (await readText(report)) ?? stderr.slice(-maxWords) };
}
