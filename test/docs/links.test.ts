import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { documents, type MarkdownDocument, proseOf, readDocument, top } from './documents.ts';

/** The anchors that GitHub gives to the headings of a document. */
function anchorsOf({ text }: MarkdownDocument): readonly string[] {
  return [...proseOf(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function isResolved(from: MarkdownDocument, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? from.path : join(dirname(from.path), path);
  if (!existsSync(join(top, file))) return false;
  if (anchor === undefined) return true;
  return statSync(join(top, file)).isFile() && anchorsOf(readDocument(file)).includes(anchor);
}

it('every relative link of README, CONTRIBUTING and docs refers to a file, and every anchor to a heading', () => {
  const links = documents.flatMap((from) =>
    [...from.text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => ({ from, target })),
  );
  const relative = links.filter(({ target }) => !/^[a-z]+:/.test(target));
  expect(relative.length).toBeGreaterThan(30);
  const broken = relative.filter(({ from, target }) => !isResolved(from, target));
  expect(broken.map(({ from, target }) => `${from.path}: ${target}`)).toEqual([]);
});

it('README links to every document', () => {
  const { text } = readDocument('README.md');
  expect(documents.filter(({ path }) => path !== 'README.md' && !text.includes(`](${path})`))).toEqual([]);
});
