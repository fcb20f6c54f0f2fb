import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildImage, buildSimulatedNode } from '../fixtures/simulated/node.ts';
import { type Bench, createBench } from '../helpers/clean.ts';
import { ended, succeeded } from '../helpers/ended-run.ts';
import { freePort } from '../helpers/free-port.ts';
import { type ProgramResult, runProgram, runProgramFor, runProgramOn, startProgramFor } from '../helpers/program.ts';
import { RecordsServer } from '../helpers/records-server.ts';

const policyFile = join(import.meta.dirname, '../../manifests/policies/nightly.yaml');
const shells = ['bash', 'zsh', 'fish', 'powershell'];

let bench: Bench;
let server: RecordsServer;

beforeAll(async () => {
  const images = [buildImage('docker.io/library/web:1')];
  bench = await createBench(buildSimulatedNode({ images }));
  server = await RecordsServer.start();
  server.putPolicy('nightly', 'schedule: "@daily"');
  server.putRun('nightly', ended, { a: succeeded });
});
afterAll(async () => {
  await bench.remove();
  await server.remove();
});

/** Runs every command once more for each format that its help names, with these arguments before `-o FORMAT`. */
const formats: Readonly<Record<string, (...format: readonly string[]) => Promise<ProgramResult>>> = {
  plan: (...format) => runProgramOn(bench, ['plan', '--job', bench.jobFile, ...format]),
  explain: (...format) => runProgramOn(bench, ['explain', 'web:1', ...format]),
  clean: (...format) =>
    runProgramOn(bench, ['clean', '--job', bench.jobFile, '--state', bench.stateDirectory, '--dry-run', ...format]),
  status: (...format) => runProgramFor(server, ['status', 'nightly', ...format]),
  lint: (...format) => runProgram(['lint', policyFile, ...format]),
  version: (...format) => runProgramFor(server, ['version', ...format]),
};

/** The formats for programs, if they are not JSON and YAML. */
const formatsForPrograms: Readonly<Record<string, readonly string[]>> = {
  clean: ['json'],
  lint: ['json', 'github', 'sarif'],
};

/** A cleaner prints one JSON document in each line. */
function parseJson(command: string, text: string): readonly unknown[] {
  return (command === 'clean' ? text.split('\n') : [text]).map((document) => JSON.parse(document));
}

/** Commands without formats, each with arguments with which it does its work. */
const others: Readonly<Record<string, () => Promise<ProgramResult>>> = {
  set: () =>
    runProgram(['set', 'file', '-', '--name', 'a', '--output', join(bench.directory, 'set.txt')], undefined, '# none'),
  schema: () => runProgram(['schema']),
  run: () => runProgramFor(server, ['run', 'nightly']),
  // Another scheduler holds the lease in the namespace of the policies.
  scheduler: async () =>
    endAtFirstLine(['scheduler', '--namespace', 'other', '--image', 'a', '--port', String(await freePort())]),
  local: () =>
    endAtFirstLine([
      'local',
      ...['--policies', bench.directory, '--state', join(bench.directory, 'local')],
      ...['--endpoint', `a=unix://${bench.nodeFile}`],
    ]),
};

/** Stops a command that serves until it is stopped, once it has told that it works. */
async function endAtFirstLine(args: readonly string[]): Promise<ProgramResult> {
  const subprocess = startProgramFor(server, args);
  const firstLine = new Promise((resolve) => subprocess.stdout?.once('data', resolve));
  await Promise.race([firstLine, subprocess]);
  subprocess.kill('SIGTERM');
  const { stdout, stderr, exitCode } = await subprocess;
  return { stdout, stderr, exitCode };
}

async function formatsOf(command: string): Promise<readonly string[]> {
  const { stdout } = await runProgram([command, '--help']);
  const [, choices = '[]'] =
    /--output[^(]*\(choices: ([^)]*?)(?:, default|\))/.exec(stdout.replaceAll(/\s+/g, ' ')) ?? [];
  return [...choices.matchAll(/"([^"]+)"/g)].map(([, format = '']) => format);
}

it('this test runs every command of the help', async () => {
  const { stdout } = await runProgram(['--help']);
  const [, list = ''] = /\nCommands:\n([\s\S]*)/.exec(stdout) ?? [];
  const commands = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, command]) => command);
  expect([...Object.keys(formats), ...Object.keys(others), 'complete', 'page', 'help'].sort()).toEqual(commands.sort());
});

describe.each(Object.entries(formats))('nodesweep %s', (command, run) => {
  it('prints every format that its help names', async () => {
    const named = await formatsOf(command);
    expect(named).toEqual(expect.arrayContaining([...(formatsForPrograms[command] ?? ['json', 'yaml'])]));
    for (const format of named) {
      const { stdout, stderr, exitCode } = await run('-o', format);
      expect({ format, stderr, exitCode }).toEqual({ format, stderr: '', exitCode: 0 });
      expect(stdout).not.toBe('');
      if (format === 'json' || format === 'sarif')
        for (const document of parseJson(command, stdout)) expect(document).toBeTypeOf('object');
      if (format === 'yaml') expect(parse(stdout)).toBeTypeOf('object');
    }
  });
});

it.each(Object.entries(others))('nodesweep %s does its work', async (command, run) => {
  expect(await formatsOf(command)).toEqual([]);
  const { stdout, stderr, exitCode } = await run();
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  expect(stdout).not.toBe('');
});

it.each(shells)('nodesweep complete %s prints a script', async (shell) => {
  const { stdout, exitCode } = await runProgram(['complete', shell]);
  expect(stdout).toContain('nodesweep');
  expect(exitCode).toBe(0);
});
