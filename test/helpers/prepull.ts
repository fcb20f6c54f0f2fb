import type { PolicyObject } from '../../scheduler/objects.ts';
import { type PrepullDocument, type PrepullPolicy, prepullSchema } from '../../scheduler/prepull/policy.ts';
import { listKeeping } from '../../scheduler/prepull/protected.ts';
import { warningsOf } from '../../scheduler/prepull/warnings.ts';
import type { RunKind } from '../../scheduler/run/kind.ts';
import { buildPolicyObject } from './builders.ts';
import { inspection } from './inspection.ts';

/** A policy of image lists with all defaults. */
export function buildPrepull(lists: PrepullDocument['lists'], document: Partial<PrepullDocument> = {}): PrepullPolicy {
  return prepullSchema.parse({ schedule: '0 * * * *', lists, ...document });
}

/** Policies of image lists, whose runs do nothing. */
export const lists: RunKind = {
  ...inspection,
  name: 'prepull',
  schema: prepullSchema,
  keeping: listKeeping,
  removesImages: false,
  warningsOf,
};

/** The ConfigMap of a policy of image lists that starts no run by itself. */
export function buildListObject(document: object, object: Partial<PolicyObject> = {}): PolicyObject {
  const data = { 'prepull.yaml': JSON.stringify({ schedule: '0 0 1 1 *', ...document }) };
  return buildPolicyObject({}, { name: 'base', uid: 'uid-base', data, ...object });
}
