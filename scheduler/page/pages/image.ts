import { describePolicies } from '../../overview/overview.ts';
import { prepull } from '../../prepull/kind.ts';
import { nodesOf } from '../../prepull/overview.ts';
import type { ImageState } from '../../prepull/states/image-state.ts';
import type { PageFacts } from '../facts.ts';
import { html } from '../html.ts';
import { links } from '../links.ts';
import { definitions, nodeLink, type Page, section, table } from '../parts/layout.ts';
import { paged } from '../parts/paging.ts';
import { countOf, mark } from '../words.ts';
import { describeState } from './node.ts';

/** An image of a list: the nodes that should have it, those that miss it first. */
export function imagePage(
  { state, kinds }: PageFacts,
  { policy, image }: { readonly policy: string; readonly image: string },
  page: number,
): Page | undefined {
  const objects = state.policies.filter((object) => object.name === policy);
  const [found] = describePolicies({ ...state, policies: objects }, kinds);
  const lists = found?.images?.find((candidate) => candidate.image === image)?.lists;
  const runs = state.runs
    .map(({ value }) => value)
    .filter((run) => run.policy === policy && run.kind.name === prepull.name);
  const nodes = nodesOf(image, runs).toSorted((one, other) => weightOf(one.state) - weightOf(other.state));
  if (lists === undefined && nodes.length === 0) return undefined;
  const present = nodes.filter(({ state: { state } }) => state === 'Present' || state === 'Stale').length;
  const { items, links: pages } = paged(
    nodes,
    page,
    'node',
    (number) => `${links.image(policy, image)}?page=${number}`,
  );
  const rows = items.map(({ node, state }) => [
    nodeLink(node),
    html`${mark(state.state)} <span class="more brief">${'cause' in state && state.cause.reason}</span>`,
    html`<span class="message">${describeState(state)}</span>`,
  ]);
  const body = html`${definitions([
    ['Policy', html`<a href="${links.policy(policy)}">${policy}</a>`],
    ['Lists', lists?.join(', ') ?? 'no list has it any more'],
    ['Present on', `${countOf(present)} of ${countOf(nodes.length)}`],
    ['Missing on', countOf(nodes.length - present)],
  ])}
${section('nodes', 'Nodes', rows.length === 0 ? html`<p>No run has looked for this image yet.</p>` : table('Nodes that should have the image', [{ title: 'Node' }, { title: 'State' }, { title: 'Cause or digest', minor: true }], rows), pages)}`;
  return { title: image, body };
}

const weights: Readonly<Record<ImageState['state'], number>> = {
  Failed: 0,
  Unknown: 1,
  Pulling: 2,
  Stale: 3,
  Present: 4,
};

function weightOf({ state }: ImageState): number {
  return weights[state];
}
