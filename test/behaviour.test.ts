import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const statements = [
  ...readFileSync(join(import.meta.dirname, '../docs/behaviour.md'), 'utf8').matchAll(
    /^- ([CNTHPS]\d+): (\(planned\) )?/gm,
  ),
].map(([, code = '', planned]) => ({ code, isPlanned: planned !== undefined }));
const isTest = (name: string) => name.endsWith('.test.ts') && !name.endsWith('behaviour.test.ts');
const quoted = new Set(
  readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .filter(isTest)
    .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))
    .flatMap((text) => [...text.matchAll(/\(([^()\n]*)\)/g)].flatMap(([, inside = '']) => codesOf(inside))),
);

/** Codes stand in parentheses of a title, alone or behind a semicolon: `(C1, N2)`, `($kind; T3)`. */
function codesOf(parenthesis: string): readonly string[] {
  const list = /(?:^|; ?)((?:[CNTHPS]\d{1,2}(?:, ?|$|; ?))+)/.exec(parenthesis)?.[1] ?? '';
  return list.match(/[CNTHPS]\d{1,2}/g) ?? [];
}

it('every number that a test quotes is in docs/behaviour.md, once', () => {
  const codes = statements.map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
  expect([...quoted].filter((code) => !codes.includes(code))).toEqual([]);
});

it('a test quotes every statement that is not planned', () => {
  expect(statements.filter(({ code, isPlanned }) => !isPlanned && !quoted.has(code)).map(({ code }) => code)).toEqual(
    [],
  );
});
