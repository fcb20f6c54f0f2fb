import type { Node } from '../../objects.ts';
import type { PageFacts } from '../facts.ts';
import { html } from '../html.ts';
import { type ListFilter, links } from '../links.ts';
import { describeThresholds, diskBar, trend } from '../parts/disk-bar.ts';
import { nodeLink, type Page, section, table } from '../parts/layout.ts';
import { paged } from '../parts/paging.ts';
import { measuresOn, nodeDisks } from '../view/disks.ts';
import { mark, timeFrom } from '../words.ts';

/** All nodes, the fullest first, and after them those whose disk no run has measured. */
export function nodesPage({ state, now }: PageFacts, { name = '', page = 1 }: ListFilter): Page {
  const runs = state.runs.map(({ value }) => value);
  const disks = new Map(nodeDisks(runs).map(({ node, newest }) => [node, newest]));
  const usage = (node: Node) => disks.get(node.name)?.afterPercent ?? -1;
  const meant = state.nodes
    .filter((node) => node.name.includes(name))
    .toSorted((one, other) => usage(other) - usage(one) || (one.name < other.name ? -1 : 1));
  const { items, links: pages } = paged(meant, page, 'node', (number) => links.nodesPage({ name, page: number }));
  const columns = [
    { title: 'Node' },
    { title: 'State', minor: true },
    { title: 'Disk' },
    { title: 'Last runs', minor: true },
    { title: 'Target', minor: true, isNumber: true },
    { title: 'Measured', minor: true },
  ];
  const rows = items.map((node) => {
    const newest = disks.get(node.name);
    const measured =
      newest === undefined
        ? ['not measured', '–', '–', '–']
        : [diskBar(newest), trend(measuresOn(node.name, runs)), describeThresholds(newest), timeFrom(now, newest.at)];
    return [nodeLink(node.name), stateOf(node), ...measured];
  });
  const body = html`<form class="filter" action="${links.nodes}" method="get" role="search">
<label for="name">Name contains</label> <input id="name" name="name" value="${name}" autocomplete="off" spellcheck="false" maxlength="253"> <button>Filter</button>
</form>
${section('nodes', 'By disk usage', items.length === 0 ? html`<p>There is no such node.</p>` : table('Nodes, the fullest first', columns, rows), pages)}`;
  return { title: 'Nodes', body };
}

/** The state of a node as far as it matters for runs. */
export function stateOf({ ready, unschedulable, diskPressure }: Node) {
  const words = [
    ready ? mark('Ready', 'good') : mark('NotReady', 'bad'),
    unschedulable && mark('Cordoned', 'warn'),
    diskPressure === true && mark('DiskPressure', 'bad'),
  ];
  return html`${words}`;
}
