import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram } from '../helpers/program.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-cli-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const nodesweep = (...args: readonly string[]) => runProgram(args, directory);
async function write(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(directory, name)), { recursive: true });
  await writeFile(join(directory, name), text);
}
const manifest = (name: string, document: string) =>
  `kind: ConfigMap
metadata: {name: ${name}, labels: {nodesweep.io/kind: policy}}
data:
  cleanup.yaml: |
    ${document.replaceAll('\n', '\n    ')}
`;

describe('nodesweep lint', () => {
  it('prints every problem as file:line:column: field: message, and exits with 1', async () => {
    await write('cleanup.yaml', 'schedule: "61 * * * *"\nrollout: {parallelism: 0}\n');
    const { stdout, exitCode } = await nodesweep('lint', 'cleanup.yaml');
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^cleanup\.yaml:1:1: schedule: minute: 61/),
      expect.stringMatching(/^cleanup\.yaml:2:11: rollout\.parallelism: must be a number/),
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
      'cleanup.yaml:1:1: schedule: warning: has no time in the next five years',
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
      expect.stringMatching(/^prepull\.yaml:2:31: lists\[0\]\.images\[0\]: warning: has the tag latest/),
      expect.stringMatching(/^prepull\.yaml:3:8: disk\.maxPercent: warning: is not below 85/),
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
    expect(stdout).toMatch(
      /^missing\.yaml: can't be read: there is no such file[\s\S]*^cleanup\.yaml:1:1: schedule: /m,
    );
    expect(exitCode).toBe(1);
  });

  it('accepts the example policies of the manifests', async () => {
    const policies = join(import.meta.dirname, '../../manifests/policies');
    const files = readdirSync(policies).map((name) => join(policies, name));
    expect(await nodesweep('lint', ...files)).toMatchObject({ stdout: '5 policies are valid', exitCode: 0 });
  });

  it('checks the policies below a directory, and counts the files without a policy', async () => {
    await write('all/nightly.yaml', manifest('nightly', 'schedule: "@daily"'));
    await write('all/team/ci.yml', manifest('ci', 'schedule: "@daily"\ntimezone: Europe/Berlin'));
    await write('all/team/deployment.yaml', 'kind: Deployment\nmetadata: {name: web}\n');
    await write('all/README.md', '# Not YAML: {\n');
    await write('all/.hidden.yaml', 'schedule: nonsense\n');
    const { stdout, exitCode } = await nodesweep('lint', 'all');
    expect(stdout).toBe('all/team/ci.yml:6:5: ci/timezone: is not a known field; did you mean timeZone?');
    expect(exitCode).toBe(1);
    await write('all/team/ci.yml', manifest('ci', 'schedule: "@daily"'));
    expect(await nodesweep('lint', 'all')).toMatchObject({
      stdout: '2 policies are valid; 1 other file has no policy',
      exitCode: 0,
    });
  });

  it.each([
    ['README.md', '# How to use this\n\n- a: {b\n  c]\n\t- d\n'.repeat(50)],
    ['values.yaml', 'image: {repository: web, tag: "1"}\n'],
    ['empty.yaml', ''],
  ])('prints one line for %s, which has no policy', async (name, text) => {
    await write(name, text);
    const { stdout, exitCode } = await nodesweep('lint', name);
    expect(stdout).toMatch(new RegExp(`^${name}(?::\\d+:\\d+)?: has no policy[^\\n]*$`));
    expect(exitCode).toBe(1);
  });

  it('reports a directory without a policy, because it may be the wrong one', async () => {
    await write('other/deployment.yaml', 'kind: Deployment\nmetadata: {name: web}\n');
    expect(await nodesweep('lint', 'other')).toMatchObject({
      stdout: 'other: has no policy in its *.yaml, *.yml and *.json files',
      exitCode: 1,
    });
  });

  it('reads standard input for -, which may have other objects too', async () => {
    const objects = ['kind: Namespace\nmetadata: {name: x}\n', manifest('ci', 'schedule: "61 * * * *"')];
    const { stdout, exitCode } = await runProgram(['lint', '-'], directory, objects.join('---\n'));
    expect(stdout).toMatch(/^stdin:8:5: ci\/schedule: minute: 61[^\n]*$/);
    expect(exitCode).toBe(1);
  });

  it('blames each field at its own line in the file', async () => {
    await write('policies.yaml', ['a', 'b'].map((name) => manifest(name, 'schedule: "@daily"\nfoo: 1')).join('---\n'));
    const { stdout } = await nodesweep('lint', 'policies.yaml');
    expect(stdout.split('\n')).toEqual([
      'policies.yaml:6:5: a/foo: is not a known field',
      'policies.yaml:13:5: b/foo: is not a known field',
    ]);
  });

  describe('for programs', () => {
    beforeEach(async () => {
      await write('50%,a/cleanup.yaml', 'schedule: "0 0 31 2 *"\nimages: {maxUnusedAge: 14}\n');
      await write('50%,a/rare.yaml', manifest('rare', 'schedule: "0 0 31 2 *"'));
    });
    const unused =
      'must be a whole number with a unit, like 90s, 2m, 24h or 7d; write 14d for days, 14h for hours, 14m or 14s';

    it('prints json with the place of each finding', async () => {
      const { stdout, exitCode } = await nodesweep('lint', '50%,a', '-o', 'json');
      expect(JSON.parse(stdout)).toEqual({
        policies: 2,
        findings: [
          {
            ...{ file: '50%,a/cleanup.yaml', line: 2, column: 10, severity: 'error' },
            ...{ path: 'images.maxUnusedAge', message: unused },
          },
          {
            ...{ file: '50%,a/rare.yaml', line: 5, column: 5, severity: 'warning', policy: 'rare' },
            ...{ path: 'schedule', message: 'has no time in the next five years' },
          },
        ],
      });
      expect(exitCode).toBe(1);
    });

    it('prints github, the workflow commands for annotations, with their escapes', async () => {
      const { stdout, exitCode } = await nodesweep('lint', '50%,a', '-o', 'github');
      expect(stdout.split('\n')).toEqual([
        `::error file=50%25%2Ca/cleanup.yaml,line=2,col=10,title=nodesweep lint::images.maxUnusedAge: ${unused}`,
        '::warning file=50%25%2Ca/rare.yaml,line=5,col=5,title=nodesweep lint::rare/schedule: has no time in the next five years',
      ]);
      expect(exitCode).toBe(1);
    });

    it('prints sarif for code scanning, with relative references to files', async () => {
      const { stdout, exitCode } = await nodesweep('lint', '50%,a', '-o', 'sarif');
      const { version, runs } = JSON.parse(stdout);
      expect(version).toBe('2.1.0');
      expect(runs).toMatchObject([
        {
          tool: { driver: { name: 'nodesweep lint', rules: [{ id: 'policy-problem' }, { id: 'policy-warning' }] } },
          results: [
            {
              ...{ ruleId: 'policy-problem', level: 'error', message: { text: `images.maxUnusedAge: ${unused}` } },
              locations: [
                {
                  physicalLocation: {
                    artifactLocation: { uri: '50%25%2Ca/cleanup.yaml' },
                    region: { startLine: 2, startColumn: 10 },
                  },
                },
              ],
            },
            { ruleId: 'policy-warning', level: 'warning' },
          ],
        },
      ]);
      expect(exitCode).toBe(1);
    });
  });
});
