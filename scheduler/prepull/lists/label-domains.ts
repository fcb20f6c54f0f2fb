import type { Selector } from '../../run/rollout/eligibility.ts';

/** The values that a node may have for one label. */
interface Domain {
  /** The only values, or all values but these. */
  readonly values: ReadonlySet<string>;
  readonly isExcluding: boolean;
  /** True if the node may lack the label. */
  readonly mayLack: boolean;
}

/**
 * The values that a node may have for each label that selectors name. Labels are independent of each other, so a node may
 * match several selectors if for each label there is a value, or its absence, that all of them accept.
 */
export type LabelDomains = ReadonlyMap<string, Domain>;

/** The labels of the nodes that a selector matches; undefined if it contradicts itself, so that no node matches. */
export function domainsOf({ matchLabels, matchExpressions }: Selector): LabelDomains | undefined {
  const requirements: readonly (readonly [string, Domain])[] = [
    ...Object.entries(matchLabels).map(([key, value]) => [key, onlyOf([value])] as const),
    ...matchExpressions.map((expression) => [expression.key, domainOf(expression)] as const),
  ];
  return requirements.reduce<LabelDomains | undefined>(
    (domains, requirement) => domains && intersect(domains, new Map([requirement])),
    new Map(),
  );
}

/** The labels of nodes that two selectors match; undefined if no node can match both. */
export function intersect(one: LabelDomains, other: LabelDomains): LabelDomains | undefined {
  const both = new Map(one);
  for (const [key, domain] of other) {
    const known = both.get(key);
    const common = known === undefined ? domain : intersectDomains(known, domain);
    if (isEmpty(common)) return undefined;
    both.set(key, common);
  }
  return both;
}

/** True unless the labels of a node can't match both selectors. Taints don't count. */
export function mayOverlap(one: Selector, other: Selector): boolean {
  const [first, second] = [domainsOf(one), domainsOf(other)];
  return first !== undefined && second !== undefined && intersect(first, second) !== undefined;
}

function domainOf({ operator, values }: Selector['matchExpressions'][number]): Domain {
  switch (operator) {
    case 'In':
      return onlyOf(values);
    case 'NotIn':
      return { values: new Set(values), isExcluding: true, mayLack: true };
    case 'Exists':
      return { values: new Set(), isExcluding: true, mayLack: false };
    case 'DoesNotExist':
      return { values: new Set(), isExcluding: false, mayLack: true };
    default:
      return operator satisfies never;
  }
}

function onlyOf(values: readonly string[]): Domain {
  return { values: new Set(values), isExcluding: false, mayLack: false };
}

function intersectDomains(one: Domain, other: Domain): Domain {
  const mayLack = one.mayLack && other.mayLack;
  if (one.isExcluding && other.isExcluding)
    return { values: one.values.union(other.values), isExcluding: true, mayLack };
  if (one.isExcluding) return { values: other.values.difference(one.values), isExcluding: false, mayLack };
  if (other.isExcluding) return { values: one.values.difference(other.values), isExcluding: false, mayLack };
  return { values: one.values.intersection(other.values), isExcluding: false, mayLack };
}

/** There are more values than any selector can exclude. */
function isEmpty({ values, isExcluding, mayLack }: Domain): boolean {
  return !mayLack && !isExcluding && values.size === 0;
}
