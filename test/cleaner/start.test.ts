import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, it, vi } from 'vitest';
import { buildSimulatedNode, simulatedCrictl } from '../fixtures/simulated/node.ts';
import { bundledProgram } from '../helpers/bundle.ts';
import { createBench, runClean } from '../helpers/clean.ts';

const loadedFiles = fileURLToPath(new URL('../fixtures/loaded-files.mjs', import.meta.url));

/** The source files in what the program loads for a command, as the bundle names them. */
async function sourcesOf(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<readonly string[]> {
  const { stderr } = await execa(process.execPath, ['--import', loadedFiles, bundledProgram(), ...args], {
    env,
    reject: false,
  });
  const files: readonly string[] = JSON.parse(stderr.slice(stderr.lastIndexOf('\n')));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return texts.flatMap((text) =>
    [...text.matchAll(/^\/\/ (\S+\.(?:js|mjs|cjs|ts|json))$/gm)].map(([, source = '']) => source),
  );
}

it('a cleaner loads nothing that only other commands need', async () => {
  const bench = await createBench(buildSimulatedNode({}));
  const files = ['--job', bench.jobFile, '--report', bench.reportFile, '--state', bench.stateDirectory];
  const environment = { CRICTL: simulatedCrictl, CONTAINER_RUNTIME_ENDPOINT: `unix://${bench.nodeFile}` };
  const sources = await sourcesOf(['clean', ...files], environment);
  await bench.remove();
  expect(sources).toContain('cleaner/sweep.ts');
  const others = /kubernetes|undici|prom-client|dockerode|node_modules\/(?:yaml|execa|@bomb\.sh)|^scheduler\//;
  expect(sources.filter((source) => others.test(source))).toEqual([]);
  expect(sources.filter((source) => source.startsWith('cli/')).toSorted()).toEqual([
    'cli/clean.ts',
    'cli/program-name.ts',
  ]);
});

it('the first container of a puller loads only the modules that it needs', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'prepare-'));
  const sources = [...new Set(await sourcesOf(['prepare', '--directory', directory]))];
  await rm(directory, { recursive: true });
  expect(sources.filter((source) => source.startsWith('puller/')).toSorted()).toEqual([
    'puller/disk.ts',
    'puller/executable.ts',
    'puller/main.ts',
  ]);
  expect(sources.filter((source) => source.startsWith('node_modules/'))).toEqual(
    sources.filter((source) => source.startsWith('node_modules/commander/')),
  );
  expect(sources.filter((source) => /^(?:scheduler|cleaner)\//.test(source))).toEqual([]);
});

it('a run that is over leaves no early call of crictl behind', async () => {
  const bench = await createBench(buildSimulatedNode({}));
  const CRICTL = join(bench.directory, 'crictl');
  await writeFile(CRICTL, '#!/bin/sh\nsleep 60\n', { mode: 0o755 });
  await writeFile(bench.jobFile, 'no job');
  const { exitCode, report } = await runClean(bench, [], { CRICTL });
  await vi.waitFor(async () => expect(await commandsWith(CRICTL)).toEqual([]), { timeout: 10_000 });
  await bench.remove();
  expect(exitCode).toBe(2);
  expect(report.errors).toMatchObject([{ reason: 'BadJobError' }]);
});

it('a cleaner that is stopped with the first call of crictl, while the program still loads, ends with a report (H29, T14)', async () => {
  const bench = await createBench(buildSimulatedNode({}));
  const CRICTL = join(bench.directory, 'crictl');
  await writeFile(CRICTL, `#!/bin/sh\nkill -TERM $PPID\nexec ${simulatedCrictl} "$@"\n`, { mode: 0o755 });
  const { exitCode, report, events } = await runClean(bench, [], { CRICTL });
  await bench.remove();
  expect(exitCode).toBe(2);
  expect(report.errors).toMatchObject([{ reason: 'Interrupted' }]);
  expect(events).toContainEqual(expect.objectContaining({ event: 'stopping', signal: 'SIGTERM' }));
});

/** The command lines of all processes that mention a text. */
async function commandsWith(text: string): Promise<readonly string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')));
  return commands.filter((command) => command.includes(text));
}
