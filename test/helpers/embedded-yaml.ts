import { stringify } from 'yaml';

/** The styles in which a manifest can have a document as text. */
export const embeddings = {
  'a literal block': (text: string) => stringifyAs('BLOCK_LITERAL', text),
  'a literal block with its own indentation': (text: string) =>
    /^ |^\s*$/.test(text) ? undefined : `data:\n   cleanup.yaml:  |+2 # the policy\n${indent(text, 5)}`,
  'a literal block with CRLF': (text: string) => stringifyAs('BLOCK_LITERAL', text).replaceAll('\n', '\r\n'),
  'a folded block': (text: string) => stringifyAs('BLOCK_FOLDED', text),
  'double quotes': (text: string) => stringifyAs('QUOTE_DOUBLE', text),
  'single quotes': (text: string) => stringifyAs('QUOTE_SINGLE', text),
  JSON: (text: string) => JSON.stringify({ data: { 'cleanup.yaml': text } }),
} satisfies Record<string, (text: string) => string | undefined>;

export type Embedding = keyof typeof embeddings;

/** A manifest with a document under `data`; undefined if the style can't have this text. */
export function buildEmbedding(style: Embedding, text: string): string | undefined {
  return embeddings[style](text);
}

function stringifyAs(
  defaultStringType: 'BLOCK_LITERAL' | 'BLOCK_FOLDED' | 'QUOTE_DOUBLE' | 'QUOTE_SINGLE',
  text: string,
) {
  return stringify({ data: { 'cleanup.yaml': text } }, { defaultStringType, defaultKeyType: 'PLAIN' });
}

function indent(text: string, by: number): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `${' '.repeat(by)}${line}`))
    .join('\n');
}
