import type { PolicyObject } from '../../scheduler/objects.ts';

/** Tells that there is no such policy, and which ones there are. */
export function describeMissing(policy: string, policies: readonly Pick<PolicyObject, 'name'>[]): string {
  const names = policies.map(({ name }) => name).sort();
  return `there is no policy ${policy}; the policies in this namespace are: ${names.join(', ') || 'none'}`;
}
