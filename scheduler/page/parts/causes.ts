import { type Html, html } from '../html.ts';
import { links } from '../links.ts';
import type { CauseGroup } from '../view/causes.ts';
import { countOf, mark, plural } from '../words.ts';
import { nodeLink } from './layout.ts';

/** The number of causes that a page shows: each node of a run may have one of its own. */
const maxCauses = 20;
/** The number of nodes that a cause names before it links to all of them. */
const maxNodes = 20;

/** Causes that open to their nodes. `place` is the place of the causes that are too many for a page. */
export function causeList(causes: readonly CauseGroup[], place: string): Html {
  const others = causes.length - maxCauses;
  return html`<ul class="causes">${causes.slice(0, maxCauses).map(causeItem)}</ul>
${others > 0 && html`<p>And ${plural(others, 'more cause')}: see ${place}.</p>`}
`;
}

function causeItem({ id, run, policy, state, reason, message, isExact, nodes }: CauseGroup): Html {
  const others = nodes.length - maxNodes;
  const all = links.nodesOfRun(run, { state, reason });
  return html`<li><details id="cause-${id}"><summary>${mark(state)} <strong>${reason}</strong> on ${plural(nodes.length, 'node')} <span class="more">(${policy})</span></summary>
${message !== undefined && html`<p class="message">${!isExact && 'In the words of the first node: '}${message}</p>`}
<ul class="names">${nodes.slice(0, maxNodes).map((node) => html`<li>${nodeLink(node)}</li>`)}${others > 0 && html`<li>and ${countOf(others)} more</li>`}</ul>
<p><a href="${all}">All nodes with this reason and their messages</a> in run <a href="${links.run(run)}">${run}</a></p>
</details></li>
`;
}
