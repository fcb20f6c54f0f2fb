import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const top = join(import.meta.dirname, '..');
const text = readFileSync(join(top, 'CONTRIBUTING.md'), 'utf8');
/** Folders whose own folders are no part of the design: they mirror the program, or hold data. */
const leaves = [
  'manifests/overlays',
  'test/cleaner',
  'test/cli',
  'test/cluster',
  'test/contract',
  'test/e2e/install',
  'test/fixtures',
  'test/puller',
  'test/scheduler',
  'test/sets',
];

/** The paths of the folders in the tree, which is indented by two spaces for each level. */
function foldersInTree(): readonly string[] {
  const [, tree = ''] = /^```\n(main\.ts[\s\S]*?)^```$/m.exec(text) ?? [];
  const path: string[] = [];
  return [...tree.matchAll(/^( *)([\w-]+)\/ /gm)].map(([, indentation = '', name = '']) => {
    path.splice(indentation.length / 2, path.length, name);
    return path.join('/');
  });
}

function foldersBelow(folder: string): readonly string[] {
  if (leaves.includes(folder)) return [folder];
  const entries = readdirSync(join(top, folder), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [folder, ...entries.flatMap(({ name }) => foldersBelow(`${folder}/${name}`))];
}

it('the tree in CONTRIBUTING has every folder of the project, and no other', () => {
  const mirrors = ['cleaner', 'cli', 'contract', 'puller', 'scheduler', 'sets'].map((name) => `test/${name}`);
  const real = ['cli', 'contract', 'scheduler', 'cleaner', 'sets', 'puller', 'manifests', 'docs', 'test'].flatMap(
    foldersBelow,
  );
  expect([...foldersInTree(), ...mirrors].toSorted()).toEqual(real.toSorted());
});

it('every file that CONTRIBUTING names with its folder exists', () => {
  const paths = [...text.matchAll(/`([\w-]+\/[\w./-]+\.ts)`/g)].map(([, path = '']) => path);
  expect(paths.length).toBeGreaterThan(10);
  expect(paths.filter((path) => !existsSync(join(top, path)))).toEqual([]);
});
