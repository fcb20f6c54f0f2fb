import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { documents, type MarkdownDocument, proseOf, readDocument, top } from './documents.ts';

/** The anchors that GitHub gives to the headings of a document. A heading that comes again gets a number. */
function anchorsOf({ text }: MarkdownDocument): readonly string[] {
  const seen = new Map<string, number>();
  return [...proseOf(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => {
    const anchor = heading
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number} _-]/gu, '')
      .replaceAll(' ', '-');
    const earlier = seen.get(anchor) ?? 0;
    seen.set(anchor, earlier + 1);
    return earlier === 0 ? anchor : `${anchor}-${earlier}`;
  });
}

/** The links of a document that lead to the project itself. */
function relativeLinks({ text }: MarkdownDocument): readonly string[] {
  return [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** The path of the file to which a link leads, from the top folder. */
function fileOf({ path }: MarkdownDocument, target: string): string {
  const [file = ''] = target.split('#');
  return file === '' ? path : join(dirname(path), file);
}

function isResolved(from: MarkdownDocument, target: string): boolean {
  const file = fileOf(from, target);
  const [, anchor] = target.split('#');
  if (!existsSync(join(top, file))) return false;
  if (anchor === undefined) return true;
  return statSync(join(top, file)).isFile() && anchorsOf(readDocument(file)).includes(anchor);
}

const links = documents.flatMap((from) => relativeLinks(from).map((target) => ({ from, target })));

it('every relative link of a document refers to a file, and every anchor to a heading', () => {
  expect(links.length).toBeGreaterThan(30);
  const broken = links.filter(({ from, target }) => !isResolved(from, target));
  expect(broken.map(({ from, target }) => `${from.path}: ${target}`)).toEqual([]);
});

it('a broken anchor and a file that does not exist are found', () => {
  const from = { path: 'docs/policy.md', text: '' };
  expect(['#age', 'operations.md', '../README.md#policies'].map((target) => isResolved(from, target))).toEqual([
    true,
    true,
    true,
  ]);
  expect(['#old-age', 'operation.md', '../docs#age'].map((target) => isResolved(from, target))).toEqual([
    false,
    false,
    false,
  ]);
});

it('a reader of README gets to every document by links', () => {
  const reached = new Set(['README.md']);
  for (const path of reached) {
    const found = links.filter(({ from }) => from.path === path).map(({ from, target }) => fileOf(from, target));
    for (const file of found) reached.add(file);
  }
  expect(documents.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
});

it('every page in docs has one title', () => {
  const pages = documents.filter(({ path }) => path.startsWith('docs/'));
  const titles = pages.map(({ path, text }) => ({ path, count: [...proseOf(text).matchAll(/^# /gm)].length }));
  expect(titles.filter(({ count }) => count !== 1)).toEqual([]);
});
