import { type Html, html } from '../html.ts';
import { links } from '../links.ts';
import type { CauseGroup } from '../view/causes.ts';
import { mark, plural } from '../words.ts';
import { nodeLink } from './layout.ts';

/** The number of nodes that a cause names before it links to all of them. */
const maxNodes = 20;

/** Causes that open to their nodes. */
export function causeList(causes: readonly CauseGroup[]): Html {
  return html`<ul class="causes">${causes.map(causeItem)}</ul>
`;
}

function causeItem({ run, policy, state, reason, message, nodes }: CauseGroup): Html {
  const others = nodes.length - maxNodes;
  const all = links.nodesOfRun(run, { state, reason });
  return html`<li><details id="cause-${run}-${state}-${reason}"><summary>${mark(state)} <strong>${reason}</strong> on ${plural(nodes.length, 'node')} <span class="more">(${policy})</span></summary>
${message !== undefined && html`<p class="message">${message}</p>`}
<ul class="names">${nodes.slice(0, maxNodes).map((node) => html`<li>${nodeLink(node)}</li>`)}</ul>
<p><a href="${all}">${others > 0 ? `All ${plural(nodes.length, 'node')}, with their messages` : 'With their messages'}</a> of run <a href="${links.run(run)}">${run}</a></p>
</details></li>
`;
}
