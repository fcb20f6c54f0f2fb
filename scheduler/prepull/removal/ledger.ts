import * as z from 'zod';
import { messageOf } from '../../../contract/errors.ts';
import { type LedgerData, LedgerError } from '../../run/ledger.ts';
import { type PrepullPolicy, prepullSchema } from '../policy.ts';
import type { Applied } from './applied.ts';
import { decodeApplied, encodeApplied } from './applied-codec.ts';

/** The account of the images that the runs of a policy have put on nodes. */
export interface ListLedger {
  /** The last valid document of the policy. It decides what happens when the policy is deleted. */
  readonly document: unknown;
  readonly applied: Applied;
  /** The results of the runs that started until then are in `applied`. */
  readonly settledUntil?: Date | undefined;
  /**
   * The last purge that was acted on. It is in force as long as the policy has the lists whose hash it has, and not any more
   * without a hash.
   */
  readonly purge?: { readonly request: string; readonly lists?: string | undefined } | undefined;
  /** True if some nodes did not fit, so that there is no room for further ones. */
  readonly isCut?: true | undefined;
}

const storedSchema = z.strictObject({
  version: z.literal(1),
  document: z.unknown(),
  settledUntil: z.iso
    .datetime()
    .transform((text) => new Date(text))
    .optional(),
  purge: z.strictObject({ request: z.string(), lists: z.string().optional() }).optional(),
  /** The number of nodes that did not fit. It is for people who look at the ConfigMap. */
  omittedNodes: z.int().positive().optional(),
});

const known = new WeakMap<LedgerData, ListLedger>();

/** Reads a ledger, once for each version. Throws a {@link LedgerError} if it is damaged or of a later version. */
export function decodeLedger(data: LedgerData): ListLedger {
  const before = known.get(data);
  if (before !== undefined) return before;
  const ledger = readLedger(data);
  known.set(data, ledger);
  return ledger;
}

export function encodeLedger({ applied, isCut: _, ...fields }: ListLedger): LedgerData {
  const { data, omittedNodes } = encodeApplied(applied);
  const cut = omittedNodes.length > 0 && { omittedNodes: omittedNodes.length };
  return { 'lists.json': JSON.stringify({ version: 1, ...fields, ...cut }), ...data };
}

/** The last valid policy of a ledger; undefined if this version does not accept it. */
export function policyOf({ document }: ListLedger): PrepullPolicy | undefined {
  return prepullSchema.safeParse(document).data;
}

function readLedger(data: LedgerData): ListLedger {
  try {
    const { version: _, omittedNodes, ...fields } = storedSchema.parse(JSON.parse(data['lists.json'] ?? ''));
    return { ...fields, applied: decodeApplied(data), ...(omittedNodes !== undefined && { isCut: true }) };
  } catch (cause) {
    const advice = 'delete its ConfigMap if it was damaged by hand, or run the version of nodesweep that wrote it';
    throw new LedgerError(
      `the account of the images on nodes can't be read (${messageOf(cause)}), so no image of the policy is removed: ${advice}`,
      { cause },
    );
  }
}
