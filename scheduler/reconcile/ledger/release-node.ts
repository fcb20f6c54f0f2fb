import type { Node } from '../../objects.ts';
import type { Run } from '../../run/run.ts';
import type { PolicyPass } from '../context.ts';
import { deletePods } from '../delete-pods.ts';

/** Deletes the pods of the earlier runs of a policy on a node, because what they hold there could not be taken away. */
export async function releaseNode(
  { cluster, journal, object, state }: PolicyPass,
  run: Run,
  node: Node,
): Promise<void> {
  const orphans = (state.orphans ?? []).filter(({ policy }) => policy === object.name);
  const others = new Set([
    ...journal.runs.of(object.name).map(({ name }) => name),
    ...orphans.map((orphan) => orphan.run),
  ]);
  others.delete(run.name);
  const holders = cluster
    .state()
    .pods.filter((pod) => pod.node === node.name && others.has(pod.run) && pod.deletionTimestamp === undefined);
  await deletePods(
    cluster,
    holders.map(({ name }) => name),
  );
}
