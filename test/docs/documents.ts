import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The top folder of the project. */
export const top = join(import.meta.dirname, '../..');

/** A Markdown document that people read, with its path from the top folder. */
export interface MarkdownDocument {
  readonly path: string;
  readonly text: string;
}

export function readDocument(path: string): MarkdownDocument {
  return { path, text: readFileSync(join(top, path), 'utf8') };
}

/** README, CONTRIBUTING and the others in the top folder, and everything in `docs` and `manifests`. */
export const documents: readonly MarkdownDocument[] = globSync(['*.md', 'docs/**/*.md', 'manifests/**/*.md'], {
  cwd: top,
})
  .toSorted()
  .map(readDocument);

/** The contents of the fenced code blocks of a language, without the indentation of the fence. */
export function codeBlocks({ text }: MarkdownDocument, language: string): readonly string[] {
  const fence = new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\`$`, 'gm');
  return [...text.matchAll(fence)].map(([, indentation = '', block = '']) =>
    block.replaceAll(new RegExp(`^${indentation}`, 'gm'), ''),
  );
}

/** The cells of all rows of tables whose first cell begins with code, by their text. */
export function codeRows({ text }: MarkdownDocument): readonly (readonly string[])[] {
  return [...text.matchAll(/^\| (`.*) \|$/gm)].map(([, row = '']) => row.split(/(?<!\\) \| /));
}

/** A text without its fenced code blocks. */
export function proseOf(text: string): string {
  return text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '');
}

/** The parts of a text within lines that are written as code. */
export function codeSpans(text: string): readonly string[] {
  return [...proseOf(text).matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

/** The lines of the commands of a document without comments and line breaks, and the code in its prose. */
export function commandLines(document: MarkdownDocument): readonly string[] {
  const scripts = ['sh', 'console'].flatMap((language) => codeBlocks(document, language));
  const lines = scripts.flatMap((script) => script.replaceAll(/\\\n */g, '').split('\n'));
  return [...lines, ...codeSpans(document.text)].map((line) => line.replace(/^\$ /, '').replace(/\s+#.*$/, ''));
}
