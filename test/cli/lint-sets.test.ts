import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram } from '../helpers/program.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-cli-'));
});
afterEach(() => rm(directory, { recursive: true }));

const lint = (...args: readonly string[]) => runProgram(['lint', ...args], directory);
const setManifest = (text: string) =>
  `kind: ConfigMap\nmetadata: {name: frozen, labels: {nodesweep.io/kind: image-set}}\ndata:\n  list.txt: |\n    ${text}\n`;
const mistake =
  'image set frozen, key list.txt, line 2: sha256:12 is a malformed digest; write sha256: and 64 hexadecimal digits';

describe('nodesweep lint of image sets', () => {
  it('counts them beside policies, and accepts a directory that has nothing else', async () => {
    await writeFile(join(directory, 'frozen.yaml'), setManifest('acme/api:1'));
    expect(await lint('.')).toMatchObject({ stdout: '1 image set is valid', exitCode: 0 });
    await writeFile(join(directory, 'cleanup.yaml'), 'schedule: "@daily"\nimages: {excludeFrom: [frozen, tools]}\n');
    const { stdout, exitCode } = await lint('.');
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(
        /^cleanup\.yaml:2:32: images\.excludeFrom\[1\]: warning: image set tools is not in these files/,
      ),
      '1 policy and 1 image set are valid',
    ]);
    expect(exitCode).toBe(0);
    expect(JSON.parse((await lint('.', '-o', 'json')).stdout)).toMatchObject({ policies: 1, imageSets: 1 });
  });

  it('shows the place of a malformed line in every format (S1)', async () => {
    await writeFile(join(directory, 'frozen.yaml'), setManifest('acme/api:1\n    sha256:12'));
    expect(await lint('frozen.yaml')).toMatchObject({ stdout: `frozen.yaml:6:5: ${mistake}`, exitCode: 1 });
    expect((await lint('frozen.yaml', '-o', 'github')).stdout).toBe(
      `::error file=frozen.yaml,line=6,col=5,title=nodesweep lint::${mistake}`,
    );
    expect(JSON.parse((await lint('frozen.yaml', '-o', 'json')).stdout).findings).toEqual([
      { file: 'frozen.yaml', line: 6, column: 5, severity: 'error', path: '', message: mistake },
    ]);
    const [run] = JSON.parse((await lint('frozen.yaml', '-o', 'sarif')).stdout).runs;
    expect(run.results).toMatchObject([
      {
        level: 'error',
        message: { text: mistake },
        locations: [{ physicalLocation: { region: { startLine: 6, startColumn: 5 } } }],
      },
    ]);
  });
});
