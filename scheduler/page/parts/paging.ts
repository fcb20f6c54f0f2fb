import { type Html, html } from '../html.ts';
import { plural } from '../words.ts';

/** The number of rows of a page: with thousands of nodes, a page stays small. */
const pageSize = 100;

/** A part of a long list, with the links to the other parts. */
export interface Paged<T> {
  readonly items: readonly T[];
  readonly links: Html;
}

/** The page of a list, counted from 1. A page that is not there is the nearest one. */
export function paged<T>(items: readonly T[], page: number, noun: string, hrefOf: (page: number) => string): Paged<T> {
  const pages = Math.max(1, Math.ceil(items.length / pageSize));
  const current = Math.min(pages, Math.max(1, page));
  const shown = items.slice((current - 1) * pageSize, current * pageSize);
  const previous = current > 1 && html`<a rel="prev" href="${hrefOf(current - 1)}">Previous</a>`;
  const next = current < pages && html`<a rel="next" href="${hrefOf(current + 1)}">Next</a>`;
  const place = pages === 1 ? plural(items.length, noun) : `${plural(items.length, noun)}, page ${current} of ${pages}`;
  return {
    items: shown,
    links: html`<nav class="pages" aria-label="Pages of ${noun}s">${previous} <span>${place}</span> ${next}</nav>
`,
  };
}
