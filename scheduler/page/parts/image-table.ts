import type { ImageOverview } from '../../prepull/overview.ts';
import { type Html, html } from '../html.ts';
import { links } from '../links.ts';
import { countOf, mark, shortReference } from '../words.ts';
import { table } from './layout.ts';

/** An image of a list with its policy. */
export interface ListedImage {
  readonly policy: string;
  readonly overview: ImageOverview;
}

/** The images of lists with the numbers of nodes that have them and that miss them. */
export function imageTable(images: readonly ListedImage[]): Html {
  const columns = [
    { title: 'Image' },
    { title: 'State' },
    { title: 'Present on', minor: true, isNumber: true },
    { title: 'Missing on', isNumber: true },
    { title: 'Lists', minor: true },
  ];
  const rows = images.map(({ policy, overview }) => [
    html`<a class="reference" href="${links.image(policy, overview.image)}">${shortReference(overview.image)}</a>`,
    stateOf(overview),
    `${countOf(overview.nodes.present + overview.nodes.stale)} of ${countOf(overview.nodes.desired)}`,
    countOf(missingOn(overview)),
    `${policy}: ${overview.lists.join(', ')}`,
  ]);
  return table('Images of lists', columns, rows);
}

/** The number of nodes that should have an image, and are not known to have it. */
export function missingOn({ nodes }: ImageOverview): number {
  return nodes.desired - nodes.present - nodes.stale;
}

function stateOf({ nodes }: ImageOverview): Html {
  if (nodes.failed > 0) return mark('Failed');
  if (nodes.pulling > 0) return mark('Pulling');
  if (nodes.stale > 0) return mark('Stale');
  return nodes.desired > 0 && nodes.present === nodes.desired ? mark('Present') : mark('Unknown');
}
