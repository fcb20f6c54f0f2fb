import { annotation } from '../../contract/labels.ts';
import type { PolicyObject } from '../objects.ts';
import type { WatchedConfigMap } from './objects.ts';

/** The maximum number of kept requests, because nobody waits for each of many values that were set in quick succession. */
const maxRequests = 20;

/**
 * Adds to a policy the request that its new version has replaced. Users may set several requests between two passes,
 * and none of them must be lost.
 */
export function withReplacedRequest(
  next: WatchedConfigMap | undefined,
  known: WatchedConfigMap | undefined,
): WatchedConfigMap | undefined {
  if (next?.kind !== 'policy' || known?.kind !== 'policy') return next;
  const replacedRequests = replacedBy(next.policy, known.policy);
  return replacedRequests.length === 0 ? next : { kind: 'policy', policy: { ...next.policy, replacedRequests } };
}

function replacedBy(next: PolicyObject, { annotations, replacedRequests = [] }: PolicyObject): readonly string[] {
  const before = annotations[annotation.runAt];
  const now = next.annotations[annotation.runAt];
  const isReplaced = before !== undefined && before !== now && !replacedRequests.includes(before);
  return (isReplaced ? [...replacedRequests, before] : replacedRequests).slice(-maxRequests);
}
