import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { ImageEvent } from '../../cleaner/report/events.ts';
import type { JobDocument } from '../../contract/job.ts';
import { packReferences, removeReferencesFile } from '../../contract/packed-references.ts';
import { type Report, reportSchema } from '../../contract/report.ts';
import { bundledProgram, compileCache } from './bundle.ts';

export type DockerClean = {
  /** For the files of the run. */
  readonly directory: string;
  /** Of Docker Engine; its name has to be `docker.sock`. */
  readonly socket: string;
  /** The cleaner's directory, beside the engine's as a pod sees it; one below `directory` by default. */
  readonly state?: string;
  readonly job?: Partial<JobDocument>;
  /** The references of the images to remove. The job then removes nothing else. */
  readonly removals?: readonly string[];
  /** Ends when the cleaner is to be asked to stop. */
  readonly stopWhen?: () => Promise<unknown>;
};

export type DockerCleanResult = {
  readonly exitCode: number | undefined;
  readonly report: Report;
  readonly images: readonly ImageEvent[];
  /** The end of every image, in a line each: `docker.io/acme/web:1 keep InUse`. */
  readonly decisions: readonly string[];
};

/** Runs the real cleaner as a process, on a Docker Engine. */
export async function cleanDocker({
  directory,
  socket,
  state,
  job,
  removals,
  stopWhen,
}: DockerClean): Promise<DockerCleanResult> {
  const run = await mkdtemp(join(directory, 'run-'));
  const [jobFile, reportFile] = [join(run, 'job.json'), join(run, 'report.json')];
  await writeFile(
    jobFile,
    JSON.stringify({
      version: 1,
      policy: 'nightly',
      run: 'nightly-1',
      ...job,
      ...(removals && { removeReferences: [] }),
      images: { keepSideLoaded: false, ...job?.images },
    }),
  );
  if (removals !== undefined) await writeFile(join(run, removeReferencesFile), packReferences(removals));
  const files = ['--job', jobFile, '--report', reportFile, '--state', state ?? join(directory, 'state')];
  const cleaner = execa(process.execPath, [bundledProgram(), 'clean', ...files], {
    // It has the 30 s that Kubernetes grants.
    forceKillAfterDelay: 30_000,
    reject: false,
    env: {
      ...(state !== undefined && { NODESWEEP_STATE_ON_NODE: '/var/lib/docker/nodesweep' }),
      CONTAINER_RUNTIME_ENDPOINT: `unix://${socket}`,
      CRICTL: '/nowhere',
      ...compileCache(),
    },
  });
  await stopWhen?.();
  if (stopWhen !== undefined) cleaner.kill('SIGTERM');
  const { exitCode, stdout } = await cleaner;
  const report = reportSchema.parse(JSON.parse(await readFile(reportFile, 'utf8')));
  const events = stdout.split('\n').map((line) => JSON.parse(line));
  const images: readonly ImageEvent[] = events.filter(({ event }) => event === 'image');
  return { exitCode, report, images, decisions: images.map(describeDecision).toSorted() };
}

function describeDecision({ names, decision, outcome, reason }: ImageEvent): string {
  return [names[0] ?? 'nameless', decision, outcome, reason].filter(Boolean).join(' ');
}
