import { type PrepullDocument, type PrepullPolicy, prepullSchema } from '../../scheduler/prepull/policy.ts';

/** A policy of image lists with all defaults. */
export function buildPrepull(lists: PrepullDocument['lists'], document: Partial<PrepullDocument> = {}): PrepullPolicy {
  return prepullSchema.parse({ schedule: '0 * * * *', lists, ...document });
}
