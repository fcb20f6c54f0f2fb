import type { PolicyObject } from '../../scheduler/objects.ts';
import { type PrepullDocument, type PrepullPolicy, prepullSchema } from '../../scheduler/prepull/policy.ts';
import { buildPolicyObject } from './builders.ts';

/** A policy of image lists with all defaults. */
export function buildPrepull(lists: PrepullDocument['lists'], document: Partial<PrepullDocument> = {}): PrepullPolicy {
  return prepullSchema.parse({ schedule: '0 * * * *', lists, ...document });
}

/** The ConfigMap of a policy of image lists that starts no run by itself. */
export function buildListObject(document: object, object: Partial<PolicyObject> = {}): PolicyObject {
  const data = { 'prepull.yaml': JSON.stringify({ schedule: '0 0 1 1 *', newNodes: false, ...document }) };
  return buildPolicyObject({}, { name: 'base', uid: 'uid-base', data, ...object });
}
