import { earliest } from '../policy/instants.ts';
import type { PolicyPass } from './context.ts';

/**
 * The time for which a record without a policy is kept. If the policy was deleted, the garbage collector deletes the record
 * earlier; if the label was removed by mistake, the user may set it again.
 */
const graceMs = 30_000;
/** The pause after a deletion that failed. */
const retryMs = 60_000;

/**
 * Deletes the runs of a policy that is permanently gone, as the garbage collector would: the policy has lost its label,
 * or was deleted without its dependents (`--cascade=orphan`). Returns when to look again.
 */
export function removeOrphans(
  { cluster, journal, background, state, now }: Omit<PolicyPass, 'object' | 'parsed'>,
  policy: string,
): Date | undefined {
  const orphans = (state.orphans ?? []).filter((orphan) => orphan.policy === policy);
  journal.noteOrphans(new Set(orphans.map(({ uid }) => uid)), now);
  const wakes = orphans.map((orphan) => {
    const dueAt = new Date((journal.orphans.get(orphan.uid) ?? now).getTime() + graceMs);
    if (dueAt > now) return dueAt;
    background.begin(`delete run ${orphan.run}, whose policy is gone,`, () => cluster.deleteOrphan(orphan));
    return new Date(now.getTime() + retryMs);
  });
  return earliest(wakes);
}
