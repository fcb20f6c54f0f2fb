import type { BoundPods, NodeNeeds } from '../../cluster.ts';
import type { Node } from '../../objects.ts';
import type { Run } from '../../run/run.ts';
import { referencesKeptOn } from '../../status/kept-references.ts';
import { pullVerdictsOn } from '../ask-registries.ts';
import type { PolicyPass } from '../context.ts';
import { keepersFor, readDues } from '../ledger/dues.ts';

/**
 * Reads what needs images on some nodes. Returns a function for one of the nodes, which throws if the needs of the node are
 * not known. Never rejects.
 */
export async function readNodeNeeds(
  pass: PolicyPass,
  run: Run,
  nodes: readonly Node[],
): Promise<(node: Node) => NodeNeeds> {
  const { cluster, kinds } = pass;
  const asking = nodes.filter((node) => removesImages(run, node));
  if (asking.length === 0) return () => noNeeds;
  const boundTo = await cluster.readBoundPods(asking.map(({ name }) => name)).then(podsBoundTo, throwLater);
  const keepers = keepersFor(pass);
  const keptOn = (node: Node) => referencesKeptOn(node, keepers, kinds);
  const dueOn = readDues(pass, run);
  return (node) => {
    if (!removesImages(run, node)) return noNeeds;
    const needs = { ...boundTo(node), prepulled: keptOn(node), pullVerdicts: pullVerdictsOn(pass, run, node) };
    return takesAway(run, node) ? { ...needs, due: dueOn(node) } : needs;
  };
}

/** The needs of a node whose pod removes nothing: it need not know what to keep. */
const noNeeds: NodeNeeds = { references: [], count: 0, prepulled: [] };

function removesImages(run: Run, node: Node): boolean {
  return run.kind.removesImages !== false || takesAway(run, node);
}

/** True if the next pod on the node takes away what earlier runs have left there. */
export function takesAway(run: Run, node: Node): boolean {
  return run.kind.ledger?.takesAway(run, node, run.nodes.get(node.name)?.memory) === true;
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
