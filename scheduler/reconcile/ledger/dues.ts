import type { Node } from '../../objects.ts';
import { parseOnce } from '../../policy/parse-once.ts';
import { LedgerError } from '../../run/ledger.ts';
import type { Run } from '../../run/run.ts';
import { type Keeper, keepersIn, referencesKeptOn, UnknownKeptError } from '../../status/kept-references.ts';
import { noteTrouble } from '../attempt.ts';
import type { PolicyPass } from '../context.ts';

/** The references of the images that a run must take away from a node, by its progress there, or by a newer memory. */
type DueOn = (node: Node, memory?: unknown) => readonly string[];

/**
 * Returns a function for the references of the images that a run must take away from a node, by the state of the cluster
 * now. The function throws an UnknownKeptError or a {@link LedgerError} if that is not known.
 */
export function readDues(pass: PolicyPass, run: Run): DueOn {
  const { cluster, kinds, object, now } = pass;
  const { ledger: rules, name } = run.kind;
  const state = cluster.state();
  const stored = state.ledgers?.get(object.name);
  if (rules === undefined || stored?.kind !== name) return () => [];
  const keepers = keepersFor(pass);
  const { data } = stored;
  return (node, memory = run.nodes.get(node.name)?.memory) => {
    return rules.dueOn(data, { run, node, memory, now, kept: () => referencesKeptOn(node, keepers, kinds) });
  };
}

/**
 * The policies that keep images on nodes now. The status of a policy that is known to be deleted keeps none. A new policy of the
 * same name does.
 */
export function keepersFor({ cluster, kinds, object, isGone = false }: PolicyPass): readonly Keeper[] {
  const keepers = keepersIn(cluster.state(), (policy) => parseOnce(policy, kinds));
  return isGone ? keepers.filter(({ name, parsed }) => name !== object.name || parsed !== undefined) : keepers;
}

/** The dues on nodes for a view of a run, and the reason why some of them are not known. */
export interface KnownDues {
  readonly dueOn: DueOn;
  readonly trouble: () => unknown;
}

/** Reports that a run takes nothing away from some nodes, because it is not known what must stay there. */
export async function reportUnknownDues(pass: PolicyPass, run: Run, dues: KnownDues): Promise<void> {
  const what = `decide what run ${run.name} takes away`;
  const step = { what, run: run.name, condition: 'Progressing' } as const;
  const trouble = dues.trouble();
  if (trouble === undefined) pass.journal.troubles.clear(pass.object.uid, step);
  else await noteTrouble(pass, step, trouble);
}

/** As {@link readDues}, but nothing is due on a node for which it is not known: then nothing is taken away there. */
export function knownDues(pass: PolicyPass, run: Run): KnownDues {
  const known = new Map<string, { readonly memory: unknown; readonly due: readonly string[] }>();
  let trouble: unknown;
  const read = readDues(pass, run);
  const readOrKeep: DueOn = (node, memory) => {
    try {
      return read(node, memory);
    } catch (error) {
      if (!(error instanceof UnknownKeptError || error instanceof LedgerError)) throw error;
      trouble = error;
      return [];
    }
  };
  const dueOn: DueOn = (node, memory) => {
    const before = known.get(node.name);
    const due = before !== undefined && before.memory === memory ? before.due : readOrKeep(node, memory);
    known.set(node.name, { memory, due });
    return due;
  };
  return { dueOn, trouble: () => trouble };
}
