import { describeSets } from '../../cleanup/tally.ts';
import { describeRun } from '../../overview/overview.ts';
import { describeTrigger } from '../../policy/trigger.ts';
import { isFinished, type Run } from '../../run/run.ts';
import type { PageFacts } from '../facts.ts';
import { html } from '../html.ts';
import { links, type NodeFilter } from '../links.ts';
import { causeList } from '../parts/causes.ts';
import { definitions, nodeLink, type Page, section, table } from '../parts/layout.ts';
import { paged } from '../parts/paging.ts';
import { describeFreed, describeImages } from '../parts/policies.ts';
import { runProgress } from '../parts/progress.ts';
import { causesOf, countStates, nodeStates, nodesInRun } from '../view/causes.ts';
import { causeOf, countOf, durationOf, mark, outcomeOf, plural, timeFrom } from '../words.ts';

/** A run: its outcome, its nodes by result, its progress, and the causes. */
export function runPage({ state, now }: PageFacts, name: string): Page | undefined {
  const run = runNamed(state.runs, name);
  if (run === undefined) return undefined;
  const overview = describeRun(run);
  const causes = causesOf(run);
  const counts = countStates(run);
  const shown = nodeStates.filter((nodeState) => counts[nodeState] > 0);
  const body = html`${definitions([
    ['Policy', html`<a href="${links.policy(run.policy)}">${run.policy}</a>`],
    ['Outcome', html`${mark(outcomeOf(overview))}${run.spec.dryRun && ' (dry run)'}`],
    ['Started', html`${timeFrom(now, run.startedAt)}, ${describeTrigger(run.trigger)}`],
    ['Took', durationOf(run.startedAt, run.finishedAt ?? now)],
    ['Images', describeImages(overview)],
    ['Freed', describeFreed(overview)],
    ...(overview.sets === undefined ? [] : [['Image sets', describeSets(overview.dryRun, overview.sets)] as const]),
  ])}
${overview.message !== undefined && html`<p class="message">${run.reason !== undefined && html`<strong>${run.reason}</strong>: `}${overview.message}</p>`}
${run.damage !== undefined && html`<p class="message">${run.damage}</p>`}
${!isFinished(run) && section('active', 'Progress', runProgress(run, now))}
${section(
  'nodes',
  'Nodes',
  html`<p><a href="${links.nodesOfRun(name)}">All ${plural(run.nodes.size, 'node')}</a></p>
<ul>${shown.map((nodeState) => html`<li><a href="${links.nodesOfRun(name, { state: nodeState })}">${countOf(counts[nodeState])} ${nodeState.toLowerCase()}</a></li>`)}</ul>`,
)}
${causes.length > 0 && section('causes', 'Causes', causeList(causes, 'the nodes of the run'))}`;
  return { title: name, body };
}

/** The nodes of a run with their results and messages. */
export function runNodesPage({ state }: PageFacts, name: string, filter: NodeFilter): Page | undefined {
  const run = runNamed(state.runs, name);
  if (run === undefined) return undefined;
  const meant = nodesInRun(run).filter(
    (node) =>
      (filter.state === undefined || node.state === filter.state) &&
      (filter.reason === undefined || node.reason === filter.reason),
  );
  const { items, links: pages } = paged(meant, filter.page ?? 1, 'node', (page) =>
    links.nodesOfRun(name, { ...filter, page }),
  );
  const rows = items.map(({ node, state: nodeState, reason, message }) => [
    nodeLink(node),
    mark(nodeState),
    causeOf({ reason, message }),
  ]);
  const title = [filter.state, filter.reason].filter((part) => part !== undefined).join(', ') || 'All nodes';
  const body = html`<p>Run <a href="${links.run(name)}">${name}</a> of policy <a href="${links.policy(run.policy)}">${run.policy}</a></p>
${section('nodes', title, rows.length === 0 ? html`<p>There is no such node.</p>` : table('Nodes of the run', [{ title: 'Node' }, { title: 'State' }, { title: 'Cause' }], rows), pages)}`;
  return { title: `Nodes of ${name}`, body };
}

function runNamed(runs: PageFacts['state']['runs'], name: string): Run | undefined {
  return runs.find(({ value }) => value.name === name)?.value;
}
