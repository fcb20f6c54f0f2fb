import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { ImageEvent } from '../../cleaner/report/events.ts';
import type { JobDocument } from '../../contract/job.ts';
import { packReferences, removeReferencesFile } from '../../contract/packed-references.ts';
import { parseReport, type Report } from '../../contract/report.ts';
import { type Gate, type GateHooks, openGate } from '../fixtures/gated-crictl/gate.ts';
import { compileCache, searchPath, type TestNode } from '../helpers/test-node.ts';

/** All that a run of the cleaner left. */
export interface CleanResult {
  /** Undefined after a signal. */
  readonly exitCode: number | undefined;
  /** None from a cleaner that was killed. */
  readonly report: Report | undefined;
  readonly events: readonly Readonly<Record<string, unknown>>[];
  readonly images: readonly ImageEvent[];
}

export interface CleanOptions {
  readonly job?: Partial<JobDocument>;
  /** The references of the images to remove. The job then removes nothing else. */
  readonly removals?: readonly string[];
  readonly gate?: Gate;
}

const main = fileURLToPath(new URL('../../main.ts', import.meta.url));

/**
 * Starts the cleaner among the mounts of a node, as in a pod; the promise that comes with the process is of what it left.
 */
export async function startClean(node: TestNode, { job, removals, gate }: CleanOptions = {}) {
  const directory = await mkdtemp(join(node.scratch, 'clean-'));
  const jobFile = join(directory, 'job.json');
  const reportFile = join(directory, 'report.json');
  const named = removals && { removeReferences: [] };
  await writeFile(
    jobFile,
    JSON.stringify({
      version: 1,
      policy: 'faults',
      run: 'faults-1',
      ...job,
      ...named,
      images: { ...images, ...job?.images },
    }),
  );
  if (removals !== undefined) await writeFile(join(directory, removeReferencesFile), packReferences(removals));
  const files = ['--job', jobFile, '--report', reportFile, '--state', node.stateDirectoryOnNode];
  const [file, ...args] = node.lone.enter(process.execPath, main, 'clean', ...files);
  const subprocess = execa(file, args, {
    reject: false,
    cwd: '/',
    env: {
      PATH: searchPath,
      CRICTL: node.crictlPath,
      CONTAINER_RUNTIME_ENDPOINT: `unix://${node.lone.socketOnNode}`,
      NODE_COMPILE_CACHE: compileCache,
      ...gate?.environment,
    },
  });
  return {
    done: subprocess.then(({ stdout, exitCode }) => readResult(reportFile, stdout, exitCode)),
    signal: async (name: NodeJS.Signals) => {
      // The process that enters the node's namespaces starts the cleaner there, and ends as that does.
      const children = await readFile(`/proc/${subprocess.pid}/task/${subprocess.pid}/children`, 'utf8');
      process.kill(Number(children), name);
    },
  };
}

export async function runClean(node: TestNode, options: CleanOptions = {}): Promise<CleanResult> {
  return (await startClean(node, options)).done;
}

/** The same, with something that happens around the cleaner's calls of crictl. */
export async function runGated(node: TestNode, hooks: GateHooks, options: CleanOptions = {}): Promise<CleanResult> {
  const gate = await openGate(node.crictlPath, hooks);
  try {
    return await runClean(node, { ...options, gate });
  } finally {
    await gate.close();
  }
}

/** Of what may go, everything goes at once. */
const images = { minAge: '0s', keepSideLoaded: false };

async function readResult(reportFile: string, stdout: string, exitCode: number | undefined): Promise<CleanResult> {
  const events = stdout.split('\n').flatMap(parseLine);
  const isImage = (event: object): event is ImageEvent => 'event' in event && event.event === 'image';
  const report = parseReport(await readFile(reportFile, 'utf8').catch(() => ''));
  return { exitCode, report, events, images: events.filter(isImage) };
}

/** A killed process may leave half a line. */
function parseLine(line: string): Readonly<Record<string, unknown>>[] {
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}
