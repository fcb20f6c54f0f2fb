import type { ClusterState } from '../cluster.ts';
import type { ParsedPolicy } from '../policy/parse.ts';
import { LedgerError } from '../run/ledger.ts';

/**
 * The purge of a policy that is in force: until its lists change or a run is requested, it wants nothing on any node. A purge
 * that can't be read is none, so that its images are kept.
 */
export function purgeOf(
  { ledgers }: Pick<ClusterState, 'ledgers'>,
  name: string,
  parsed: ParsedPolicy | undefined,
): string | undefined {
  const ledger = ledgers?.get(name);
  if (ledger === undefined || parsed?.valid !== true || parsed.kind.name !== ledger.kind) return undefined;
  try {
    return parsed.kind.ledger?.purgeInForce(ledger.data, parsed.policy);
  } catch (error) {
    if (error instanceof LedgerError) return undefined;
    throw error;
  }
}
