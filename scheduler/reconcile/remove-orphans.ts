import { earliest } from '../policy/instants.ts';
import type { PolicyPass } from './context.ts';

/**
 * The time for which the objects of a policy without it are kept. If the policy was deleted, the garbage collector deletes
 * them earlier; if the label was removed by mistake, the user may set it again.
 */
const graceMs = 30_000;
/** The pause after a deletion that failed. */
const retryMs = 60_000;

type OrphanPass = Omit<PolicyPass, 'object' | 'parsed'>;

/** An object of a policy that is gone. */
interface Orphan {
  readonly uid: string;
  /** The words for its deletion in "could not … yet". */
  readonly what: string;
  readonly remove: () => Promise<void>;
}

/**
 * Deletes the runs and the status of a policy that is permanently gone, as the garbage collector would: the policy has lost
 * its label, or was deleted without its dependents (`--cascade=orphan`). Returns when to look again.
 */
export function removeOrphans(pass: OrphanPass, policy: string): Date | undefined {
  const { journal, background, now } = pass;
  const orphans = orphansOf(pass, policy);
  journal.noteOrphans(new Set(orphans.map(({ uid }) => uid)), now);
  const wakes = orphans.map(({ uid, what, remove }) => {
    const dueAt = new Date((journal.orphans.get(uid) ?? now).getTime() + graceMs);
    if (dueAt > now) return dueAt;
    background.begin(what, remove);
    return new Date(now.getTime() + retryMs);
  });
  return earliest(wakes);
}

function orphansOf({ cluster, state }: OrphanPass, policy: string): Orphan[] {
  const { orphans = [], orphanedStatuses = [] } = state;
  const isOfPolicy = (orphan: { readonly policy: string }) => orphan.policy === policy;
  return [
    ...orphans.filter(isOfPolicy).map((orphan) => ({
      uid: orphan.uid,
      what: `delete run ${orphan.run}, whose policy is gone,`,
      remove: () => cluster.deleteOrphan(orphan),
    })),
    ...orphanedStatuses.filter(isOfPolicy).map((orphan) => ({
      uid: orphan.uid,
      what: `delete the status of policy ${policy}, which is gone,`,
      remove: () => cluster.deleteOrphanedStatus(orphan),
    })),
  ];
}
