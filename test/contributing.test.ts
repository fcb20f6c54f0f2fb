import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const top = join(import.meta.dirname, '..');
const text = readFileSync(join(top, 'CONTRIBUTING.md'), 'utf8');

it('every file that CONTRIBUTING names with its folder exists', () => {
  const paths = [...text.matchAll(/`([\w-]+\/[\w./-]+\.ts)`/g)].map(([, path = '']) => path);
  expect(paths.length).toBeGreaterThan(10);
  expect(paths.filter((path) => !existsSync(join(top, path)))).toEqual([]);
});
