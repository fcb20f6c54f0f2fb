import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram } from '../helpers/program.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-cli-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const nodesweep = (...args: readonly string[]) => runProgram(args, directory);
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

  it('prints the number of valid policies, and exits with 0', async () => {
    await write('cleanup.yaml', 'schedule: "@daily"\n');
    expect(await nodesweep('lint', 'cleanup.yaml')).toMatchObject({ stdout: '1 policy is valid', exitCode: 0 });
  });

  it('warns of a schedule that never fires, which is no error (H19)', async () => {
    await write('cleanup.yaml', 'schedule: "0 0 31 2 *"\n');
    const { stdout, exitCode } = await nodesweep('lint', 'cleanup.yaml');
    expect(stdout.split('\n')).toEqual([
      'cleanup.yaml:schedule: warning: has no time in the next five years',
      '1 policy is valid',
    ]);
    expect(exitCode).toBe(0);
  });

  it('warns about image lists in a file named prepull.yaml, with exit code 0', async () => {
    await write(
      'prepull.yaml',
      'schedule: "@daily"\nlists: [{name: base, images: [acme/api]}]\ndisk: {maxPercent: 90}\n',
    );
    const { stdout, exitCode } = await nodesweep('lint', 'prepull.yaml');
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^prepull\.yaml:lists\[0\]\.images\[0\]: warning: has the tag latest/),
      expect.stringMatching(/^prepull\.yaml:disk\.maxPercent: warning: is not below 85/),
      '1 policy is valid',
    ]);
    expect(exitCode).toBe(0);
  });

  it('refuses bytes that are not UTF-8, and does not read them as other characters (H31)', async () => {
    await writeFile(join(directory, 'cleanup.yaml'), Buffer.from('schedule: "@daily" # \xff', 'latin1'));
    const { stdout, exitCode } = await nodesweep('lint', 'cleanup.yaml');
    expect(stdout).toMatch(/^cleanup\.yaml: can't be read: .*utf-8/);
    expect(exitCode).toBe(1);
  });

  it('names a file that cannot be read, beside the problems of the others', async () => {
    await write('cleanup.yaml', 'schedule: nonsense\n');
    const { stdout, exitCode } = await nodesweep('lint', 'missing.yaml', 'cleanup.yaml');
    expect(stdout).toMatch(/^missing\.yaml:.*ENOENT[\s\S]*^cleanup\.yaml:schedule: /m);
    expect(exitCode).toBe(1);
  });

  it('accepts the example policies of the manifests', async () => {
    const policies = join(import.meta.dirname, '../../manifests/policies');
    const files = readdirSync(policies).map((name) => join(policies, name));
    expect(await nodesweep('lint', ...files)).toMatchObject({ stdout: '5 policies are valid', exitCode: 0 });
  });
});
