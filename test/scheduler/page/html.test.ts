import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { html, visible } from '../../../scheduler/page/html.ts';

const read = (text: string) =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

it('a text is never read as HTML, in an element and in an attribute', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', 'x', '/', '=', ' ', '\0') }),
  );
  fc.assert(
    fc.property(texts, texts, (title, text) => {
      const { text: written } = html`<p title="${title}">${text}</p>`;
      const [, attribute, content] = /^<p title="([^"<>]*)">([^"'<>]*)<\/p>$/.exec(written) ?? [];
      expect([read(attribute ?? '?'), read(content ?? '?')]).toEqual([visible(title), visible(text)]);
    }),
  );
});

it('only a template is taken as HTML: a list is joined, and what is not set is left out', () => {
  expect(html`${[html`<b>1</b>`, '<i>', undefined, false, 2]}`.text).toBe('<b>1</b>&lt;i&gt;2');
});

it('every attribute with a value is in double quotes, and no value is in a script, a style or a comment', () => {
  const folder = join(import.meta.dirname, '../../../scheduler/page');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const risky =
    /=\$\{(?=[^`]*>)|='\$\{|<(?:script|style)[^>]*>[^<]*\$\{|<!--[^>]*\$\{|\bon[a-z]+="|\bstyle="|javascript:/;
  const templates = files.flatMap((name) =>
    [...readFileSync(join(folder, name), 'utf8').matchAll(/html`[^`]*`?/g)].map(([text]) => `${name}: ${text}`),
  );
  expect(templates.length).toBeGreaterThan(60);
  expect(templates.filter((text) => risky.test(text))).toEqual([]);
});
