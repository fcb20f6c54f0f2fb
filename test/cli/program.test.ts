import { describe, expect, it } from 'vitest';
import { runProgram } from '../helpers/program.ts';

const nodesweep = (...args: readonly string[]) => runProgram(args);

describe('the command line', () => {
  it.each(['clean', 'plan', 'explain', 'local'])(
    'the help of %s says that it does not know the pods that are about to start (H4)',
    async (command) => {
      const { stdout } = await nodesweep(command, '--help');
      expect(stdout).toContain('images of pods that are about to start are unknown; only minAge protects them');
    },
  );

  it.each([
    ['status', /with POLICY, why nodes failed, and which\s+nodes have the images of its lists/],
    ['run', /nodesweep run release --follow[\s\S]*for image lists, every image is on every node that can\s+have it/],
    ['local', /prepull\.yaml[\s\S]*The images of lists are pulled with crictl/],
    ['lint', /prepull\.yaml/],
  ])('the help of %s tells what it does for image lists', async (command, words) => {
    expect((await nodesweep(command, '--help')).stdout).toMatch(words);
  });

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
    expect((await nodesweep('complete', '--', 'run')).stdout).toMatch(/^run\t.*the images of lists/);
  });

  it('lists every setting of the scheduler with its variable', async () => {
    const { stdout } = await nodesweep('scheduler', '--help');
    for (const name of ['NAMESPACE', 'IMAGE', 'SOCKETS', 'STATE_DIRECTORIES', 'API_RATE', 'PORT', 'LOG_LEVEL']) {
      expect(stdout).toContain(`NODESWEEP_${name}`);
    }
  });

  it.each([
    [['scheduler', '--port', 'x'], /NODESWEEP_PORT \(--port <number>\): must be a whole number/],
    [['clean'], /--job or --policy is required/],
    [['clean', '--job', 'a', '--policy', 'b'], /cannot be used with/],
    [['clean', '--job', 'a', '--name', 'b'], /cannot be used with/],
    [['swep'], /unknown command 'swep'[\s\S]*sweep|unknown command/],
  ])('%j is refused with exit code 2', async (arguments_, message) => {
    const { stderr, exitCode } = await nodesweep(...arguments_);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });
});
