import type { Selector } from '../../run/rollout/eligibility.ts';
import { domainsOf, intersect, type LabelDomains } from './label-domains.ts';

/** A list with the images that it gives to the nodes of its selector. */
export interface Share {
  readonly name: string;
  readonly images: ReadonlySet<string>;
  readonly nodes: Selector;
}

/** Lists that may all select one node, and the number of their different images. */
export interface Crowd {
  readonly lists: readonly string[];
  readonly images: number;
}

type Candidate = Share & { readonly domains: LabelDomains };
interface Search {
  readonly limit: number;
  /** The number of combinations that may still be tried. */
  left: number;
}

/** Bounds the time for a policy with many lists, of which some exclude each other. */
const maxCombinations = 1_000;

/**
 * Finds lists that may select one node, and together have more than `limit` images. Returns undefined if there are none, or
 * if they can't be found in a reasonable time: then a node with too many images gets more pods.
 */
export function findCrowd(shares: readonly Share[], limit: number): Crowd | undefined {
  const candidates = shares.flatMap((share) => {
    const domains = domainsOf(share.nodes);
    return domains === undefined ? [] : [{ ...share, domains }];
  });
  return extend({ lists: [], images: new Set() }, new Map(), candidates, { limit, left: maxCombinations });
}

/** Adds lists to some that select one node, until there are too many images. */
function extend(
  chosen: { readonly lists: readonly string[]; readonly images: ReadonlySet<string> },
  domains: LabelDomains,
  candidates: readonly Candidate[],
  search: Search,
): Crowd | undefined {
  if (chosen.images.size > search.limit) return { lists: chosen.lists, images: chosen.images.size };
  search.left -= 1;
  const possible = candidates.filter((candidate) => intersect(domains, candidate.domains) !== undefined);
  const most = new Set([...chosen.images, ...possible.flatMap(({ images }) => [...images])]);
  const [next, ...others] = possible;
  if (most.size <= search.limit || next === undefined || search.left < 0) return undefined;
  const withNext = { lists: [...chosen.lists, next.name], images: chosen.images.union(next.images) };
  return (
    extend(withNext, intersect(domains, next.domains) ?? domains, others, search) ??
    extend(chosen, domains, others, search)
  );
}
