import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { type Report, reportSchema } from '../../contract/report.ts';
import { imageEnvironment } from '../cluster/image-environment.ts';
import {
  buildContainer,
  buildImage,
  buildSimulatedNode,
  type SimulatedNode,
  simulatedCrictl,
} from '../fixtures/simulated/node.ts';
import type { Bench } from '../helpers/clean.ts';
import { figuresOptions, type ProcessFigures, readFigures } from './process-figures.ts';

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));
export const bundle = pathOf('../../dist/main.js');
const { NODE_OPTIONS, ...otherSettings } = imageEnvironment;
/** Given to the cleaner alone: the stand-in for crictl runs on Node.js too, the real one doesn't. */
export const nodeOptions = NODE_OPTIONS.split(' ');
/** The same, with what `main.ts` sets for a cleaner. */
export const cleanerOptions = [...nodeOptions, '--heap-growing-percent=40', '--no-turbofan'];
/** The other variables that its image sets. */
export const cleanerEnvironment = otherSettings;

/** Makes the answer about a container as long as a real one, some 3 kB; the list of containers is without it. */
const padding = { padding: 'x'.repeat(2_500) };

/** A node whose first `used` images have a container each. */
export function buildBusyNode(images: number, used: number): SimulatedNode {
  const all = Array.from({ length: images }, (_, index) => {
    const repository = `registry.example.com/team-${index % 20}/service-${index}`;
    const repoDigests = [`${repository}@sha256:${String(index).padStart(64, '0')}`];
    return buildImage(`${repository}:1.${index}.0`, { repoDigests });
  });
  const containers = all
    .slice(0, used)
    .map((image) => buildContainer(image, { labels: padding, answer: { labels: {} } }));
  return buildSimulatedNode({ images: all, containers });
}

/** Runs the bundled cleaner as in its image. Returns the time from the start of the process to its end, in ms. */
export async function runCleaner(bench: Bench): Promise<number> {
  return (await startCleaner(bench)).durationMs;
}

/** Runs it too, and returns the CPU time that it took, calls of crictl not counted, and the most memory that it held. */
export async function measureProcess(bench: Bench): Promise<ProcessFigures> {
  const { stderr } = await startCleaner(bench, figuresOptions);
  return readFigures(stderr);
}

/** Runs it too, and returns which calls of the runtime it made, in this order. */
export async function listCalls(bench: Bench): Promise<readonly string[]> {
  const log = join(bench.directory, 'calls');
  const commands = 'images|ps|pods|inspect|inspecti|info|imagefsinfo|rmi';
  const note = `for word; do case $word in ${commands}) echo "$word" >> '${log}' ;; esac; done`;
  const crictl = join(bench.directory, 'crictl');
  await writeFile(crictl, `#!/bin/sh\n${note}\nexec '${simulatedCrictl}' "$@"\n`, { mode: 0o755 });
  await startCleaner(bench, [], { CRICTL: crictl });
  return (await readFile(log, 'utf8')).trimEnd().split('\n');
}

export async function readReport({ reportFile }: Bench): Promise<Report> {
  return reportSchema.parse(JSON.parse(await readFile(reportFile, 'utf8')));
}

/** The calls of a run with nothing to do, as the cleaner makes them: two at once, and then one. Returns their time. */
export async function runCrictl({ nodeFile }: Bench, containerIds: readonly string[]): Promise<number> {
  const address = `unix://${nodeFile}`;
  const call = (...args: readonly string[]) =>
    execa(simulatedCrictl, ['-t', '30s', '-r', address, '-i', address, ...args, '-o', 'json'], {
      stdin: 'ignore',
      detached: true,
    });
  const startedAt = performance.now();
  await Promise.all([call('images'), call('ps', '-a')]);
  await call('inspect', '-q', ...containerIds);
  return performance.now() - startedAt;
}

function startCleaner(bench: Bench, options: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const files = ['--job', bench.jobFile, '--report', bench.reportFile, '--state', bench.stateDirectory];
  return execa(process.execPath, [...nodeOptions, ...options, bundle, 'clean', ...files], {
    env: {
      ...cleanerEnvironment,
      CRICTL: simulatedCrictl,
      CONTAINER_RUNTIME_ENDPOINT: `unix://${bench.nodeFile}`,
      ...env,
    },
  });
}
