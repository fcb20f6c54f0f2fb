import type { BoundPods, NodeNeeds } from '../cluster.ts';
import type { Node } from '../objects.ts';
import type { Run } from '../run/run.ts';
import { keepersIn, referencesKeptOn } from '../status/kept-references.ts';
import type { PolicyPass } from './context.ts';
import { parseOnce } from './parsed-policy.ts';

/**
 * Reads what needs images on some nodes. Returns a function for one of the nodes, which throws if the needs of the node are
 * not known. Never rejects.
 */
export async function readNodeNeeds(
  { cluster, kinds }: PolicyPass,
  { kind }: Run,
  nodes: readonly Node[],
): Promise<(node: Node) => NodeNeeds> {
  if (kind.removesImages === false) return () => ({ references: [], count: 0, prepulled: [] });
  const boundTo = await cluster.readBoundPods(nodes.map(({ name }) => name)).then(podsBoundTo, throwLater);
  const keepers = keepersIn(cluster.state(), (policy) => parseOnce(policy, kinds));
  return (node) => ({ ...boundTo(node), prepulled: referencesKeptOn(node, keepers, kinds) });
}

function podsBoundTo(pods: ReadonlyMap<string, BoundPods>) {
  return ({ name }: Node): BoundPods => {
    const bound = pods.get(name);
    if (bound === undefined) throw new Error(`the pods bound to node ${name} are not known`);
    return bound;
  };
}

function throwLater(error: unknown) {
  return (): never => {
    throw error;
  };
}
