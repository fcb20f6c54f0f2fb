import { earliest } from '../policy/instants.ts';
import type { PolicyPass } from './context.ts';

/**
 * So long a record may be without its policy: the garbage collector takes it sooner where the policy was deleted, and a label
 * that was removed by mistake may come back.
 */
const graceMs = 30_000;
/** A deletion that has failed is tried again so much later. */
const retryMs = 60_000;

/**
 * Deletes the runs of a policy that is gone for good, as the deletion of the policy would: it has lost its label, or was deleted
 * without what it owns (`--cascade=orphan`). Returns when to look again.
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
