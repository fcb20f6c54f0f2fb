import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const paths = ['cli', 'contract', 'cleaner', 'puller', 'scheduler', 'sets', 'test'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
);
const files = [...paths.filter((path) => path.endsWith('.ts')), 'main.ts'];

it('a comment begins with the thing or with what it does, never with a question word', () => {
  const question = /(?:\/\*\*\s+(?:\*\s+)?|^\s*\/\/ )(?:What|Whether|Where|Who|How|Why)\b.*/gm;
  const found = files.flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(question)].map(([comment]) => `${path}: ${comment.trim()}`),
  );
  expect(found).toEqual([]);
});
