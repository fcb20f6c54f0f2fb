import type { Node } from '../objects.ts';
import type { SharedResource } from '../run/kind.ts';
import type { Run } from '../run/run.ts';
import type { PrepullPolicy } from './policy.ts';
import { pullableOn } from './wanted.ts';

/** The registries from which a node pulls, each with the maximum number of nodes that pull from it at the same time. */
export function registriesOf(node: Node, { spec, trigger }: Pick<Run, 'spec' | 'trigger'>): readonly SharedResource[] {
  if (trigger.type === 'Purge') return [];
  const known = knownRegistries.get(node);
  if (known?.spec === spec) return known.registries;
  const registries = findRegistries(node, spec as PrepullPolicy);
  knownRegistries.set(node, { spec, registries });
  return registries;
}

/** The registries of each node for one policy. A run asks for them at each of its steps. */
const knownRegistries = new WeakMap<
  Node,
  { readonly spec: Run['spec']; readonly registries: readonly SharedResource[] }
>();

function findRegistries(node: Node, { lists, rollout }: PrepullPolicy): readonly SharedResource[] {
  const hosts = new Set(pullableOn(node, { lists }).map(({ reference }) => hostOf(reference)));
  return [...hosts].map((name) => ({ name, limit: rollout.perRegistry }));
}

/** The registry of a reference that is written in full. */
function hostOf(reference: string): string {
  return reference.slice(0, reference.indexOf('/'));
}
