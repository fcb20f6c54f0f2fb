import type { PageFacts } from '../facts.ts';
import { type Content, type Html, html } from '../html.ts';
import { links } from '../links.ts';

/** A page without its frame. */
export interface Page {
  readonly title: string;
  readonly body: Html;
  /** The status of the answer. Default: 200. */
  readonly status?: number;
}

/** A whole document around a page. */
export function documentOf({ title, body }: Page, { version, now, place }: PageFacts): string {
  const scope = place.kind === 'Cluster' ? `namespace ${place.namespace}` : 'this machine';
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title} · nodesweep</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="${links.icon}" type="image/svg+xml">
<link rel="stylesheet" href="${links.stylesheet}">
<script src="${links.script}" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<a class="brand" href="${links.overview}">nodesweep</a>
<nav aria-label="Pages"><a href="${links.overview}">Overview</a> <a href="${links.nodes}">Nodes</a></nav>
<p class="scope">${scope}</p>
</header>
<main id="main" tabindex="-1">
<h1>${title}</h1>
${body}
</main>
<footer>
<p id="clock">As of <time datetime="${now.toISOString()}">${now.toISOString().slice(0, 19).replace('T', ' ')} UTC</time></p>
<p id="updates" role="status"></p>
<p>nodesweep ${version}. This page changes nothing.</p>
</footer>
</body>
</html>
`.text;
}

/** A part of a page with a heading. The script of the page replaces a part if it has changed. */
export function section(id: string, title: string, ...content: readonly Content[]): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${content}
</section>
`;
}

/** A column of a table. One with `minor` is left out on narrow screens. */
export interface Column {
  readonly title: string;
  readonly minor?: boolean;
  readonly isNumber?: boolean;
}

/** A table that scrolls by itself if it does not fit. The first cell of each row is its heading. */
export function table(caption: string, columns: readonly Column[], rows: readonly (readonly Content[])[]): Html {
  const classOf = ({ minor, isNumber }: Column = { title: '' }) =>
    [minor && 'minor', isNumber && 'number'].filter(Boolean).join(' ');
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
<table>
<caption>${caption}</caption>
<thead><tr>${columns.map((column) => html`<th scope="col" class="${classOf(column)}">${column.title}</th>`)}</tr></thead>
<tbody>
${rows.map(
  ([
    first,
    ...others
  ]) => html`<tr><th scope="row">${first}</th>${others.map((cell, index) => html`<td class="${classOf(columns[index + 1])}">${cell}</td>`)}</tr>
`,
)}</tbody>
</table>
</div>
`;
}

/** Pairs of a term and its value. */
export function definitions(pairs: readonly (readonly [term: string, value: Content])[]): Html {
  return html`<dl>${pairs.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>
`;
}

export function nodeLink(node: string): Html {
  return html`<a href="${links.node(node)}">${node}</a>`;
}
