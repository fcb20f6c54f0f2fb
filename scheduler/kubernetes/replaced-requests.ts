import { annotation } from '../../contract/labels.ts';
import type { PolicyObject } from '../objects.ts';
import type { WatchedConfigMap } from './objects.ts';

/** More are not remembered: whoever sets so many values within a moment waits for none of them. */
const maxRequests = 20;

/**
 * Remembers with a policy the request that its new version has replaced: several may come between two passes, and none of them
 * must vanish.
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
