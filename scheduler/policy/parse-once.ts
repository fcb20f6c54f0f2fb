import type { PolicyObject } from '../objects.ts';
import type { RunKind } from '../run/kind.ts';
import { type ParsedPolicy, parsePolicy } from './parse.ts';

const parsedPolicies = new WeakMap<PolicyObject['data'], ParsedPolicy>();

/** The parsed policy. A policy object is parsed once, not at every pass. */
export function parseOnce({ name, data }: PolicyObject, kinds: readonly RunKind[]): ParsedPolicy {
  const known = parsedPolicies.get(data);
  if (known !== undefined) return known;
  const parsed = parsePolicy(name, data, kinds);
  parsedPolicies.set(data, parsed);
  return parsed;
}
