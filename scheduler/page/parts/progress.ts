import type { Run } from '../../run/run.ts';
import { type Html, html } from '../html.ts';
import { links } from '../links.ts';
import { nodeStates } from '../view/causes.ts';
import { wavesOf } from '../view/waves.ts';
import { countOf, mark, plural, timeFrom } from '../words.ts';

/** A run that has not ended: a bar of its nodes, and its waves. */
export function runProgress(run: Run, now: Date): Html {
  const { counts, waves } = wavesOf(run);
  const total = Math.max(1, run.nodes.size);
  const shown = nodeStates.filter((state) => counts[state] > 0);
  let from = 0;
  const parts = shown.map((state) => {
    const width = (counts[state] * 100) / total;
    const part = html`<rect class="${state.toLowerCase()}" x="${round(from)}" width="${round(width)}" height="10"/>`;
    from += width;
    return part;
  });
  return html`<div class="progress">
<h3><a href="${links.run(run.name)}">${run.name}</a> ${mark(run.phase)}</h3>
<p>Policy <a href="${links.policy(run.policy)}">${run.policy}</a>, ${plural(run.nodes.size, 'node')}, started ${timeFrom(now, run.startedAt)}</p>
<svg class="bar stack" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="all" width="100" height="10"/>${parts}</svg>
<ul class="legend">${shown.map((state) => html`<li class="${state.toLowerCase()}"><a href="${links.nodesOfRun(run.name, { state })}">${countOf(counts[state])} ${state.toLowerCase()}</a></li>`)}</ul>
<ol class="waves">${waves.map(({ title, state, done, total }) => html`<li class="${state.toLowerCase()}">${title}: ${countOf(done)} of ${countOf(total)} ended${state === 'Now' && html` <strong>(now)</strong>`}</li>`)}</ol>
${run.phase === 'Paused' && html`<p>${run.message ?? ''}</p>`}
</div>
`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
