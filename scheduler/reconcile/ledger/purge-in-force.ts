import type { ClusterState } from '../../cluster.ts';
import type { ParsedPolicy } from '../../policy/parse.ts';
import { LedgerError } from '../../run/ledger.ts';
import type { PolicyPass } from '../context.ts';

/** The purge of a policy that is in force: until its lists change or a run is requested, it wants nothing on any node. */
export function purgeInForce({ cluster, object, parsed }: PolicyPass): string | undefined {
  return purgeOf(cluster.state(), object.name, parsed);
}

/** As {@link purgeInForce}, for any policy. A purge that can't be read is none, so that its images are kept. */
export function purgeOf({ ledgers }: ClusterState, name: string, parsed: ParsedPolicy | undefined): string | undefined {
  const ledger = ledgers?.get(name);
  if (ledger === undefined || parsed?.valid !== true || parsed.kind.name !== ledger.kind) return undefined;
  try {
    return parsed.kind.ledger?.purgeInForce(ledger.data, parsed.policy);
  } catch (error) {
    if (error instanceof LedgerError) return undefined;
    throw error;
  }
}
