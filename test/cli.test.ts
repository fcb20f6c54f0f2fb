import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const main = join(import.meta.dirname, '../main.ts');
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-cli-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function nodesweep(...arguments_: readonly string[]) {
  const { stdout, stderr, exitCode } = await execa(process.execPath, [main, ...arguments_], {
    reject: false,
    cwd: directory,
  });
  return { stdout, stderr, exitCode };
}

const write = (name: string, text: string) => writeFile(join(directory, name), text);

describe('nodesweep lint', () => {
  it('prints every problem as file:path: message, and exits with 1', async () => {
    await write('cleanup.yaml', 'schedule: "61 * * * *"\nrollout: {parallelism: 0}\n');
    const { stdout, exitCode } = await nodesweep('lint', 'cleanup.yaml');
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^cleanup\.yaml:schedule: minute: 61/),
      expect.stringMatching(/^cleanup\.yaml:rollout\.parallelism: must be a number/),
    ]);
    expect(exitCode).toBe(1);
  });

  it('says how many policies are valid, and exits with 0', async () => {
    await write('cleanup.yaml', 'schedule: "@daily"\n');
    expect(await nodesweep('lint', 'cleanup.yaml')).toMatchObject({ stdout: '1 policy is valid', exitCode: 0 });
  });

  it('names a file that can not be read, beside the problems of the others', async () => {
    await write('cleanup.yaml', 'schedule: nonsense\n');
    const { stdout, exitCode } = await nodesweep('lint', 'missing.yaml', 'cleanup.yaml');
    expect(stdout).toMatch(/^missing\.yaml:.*ENOENT[\s\S]*^cleanup\.yaml:schedule: /m);
    expect(exitCode).toBe(1);
  });

  it('accepts the example policies that come with the manifests', async () => {
    const policies = join(import.meta.dirname, '../manifests/policies');
    const files = ['example', 'ci', 'disk', 'nightly'].map((name) => join(policies, `${name}.yaml`));
    expect(await nodesweep('lint', ...files)).toMatchObject({ stdout: '4 policies are valid', exitCode: 0 });
  });
});

describe('the command line', () => {
  it('prints the JSON Schema of the policy documents', async () => {
    expect(JSON.parse((await nodesweep('schema')).stdout)).toMatchObject({
      required: ['schedule'],
      additionalProperties: false,
    });
  });

  it('completes commands and options in a shell', async () => {
    expect((await nodesweep('complete', 'bash')).stdout).toContain('bash completion for nodesweep');
    expect((await nodesweep('complete', '--', 'cl')).stdout).toMatch(/^clean\t/);
    expect((await nodesweep('complete', '--', 'clean', '--p')).stdout).toMatch(/^--policy\t/);
  });

  it('lists every setting of the scheduler with its variable', async () => {
    const { stdout } = await nodesweep('scheduler', '--help');
    for (const name of ['NAMESPACE', 'IMAGE', 'SOCKETS', 'STATE_DIRECTORIES', 'API_RATE', 'PORT', 'LOG_LEVEL']) {
      expect(stdout).toContain(`NODESWEEP_${name}`);
    }
  });

  it.each([
    [['scheduler', '--port', 'x'], /NODESWEEP_PORT \(--port <number>\): must be a whole number/],
    [['clean'], /one of --job and --policy is needed/],
    [['clean', '--job', 'a', '--policy', 'b'], /cannot be used with/],
    [['swep'], /unknown command 'swep'[\s\S]*sweep|unknown command/],
  ])('%j is refused with exit code 2', async (arguments_, message) => {
    const { stderr, exitCode } = await nodesweep(...arguments_);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });
});
