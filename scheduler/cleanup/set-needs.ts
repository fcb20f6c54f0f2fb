import type { SetNeeds } from '../sets/problems.ts';
import type { CleanupPolicy } from './policy.ts';

/** The consequences of a set that can't be read, by the field that names it. */
const withoutSet = {
  includeFrom: 'it names no image, and if the policy has no other set in images.includeFrom, nothing is removed',
  excludeFrom: 'nothing is removed, because nobody knows which images it protects',
  removeFrom: 'nothing is removed because of it',
} as const;

/** The image sets that a policy names; undefined if it names none. */
export function setNeeds({ images }: Pick<CleanupPolicy, 'images'>): SetNeeds | undefined {
  const fields = ['includeFrom', 'excludeFrom', 'removeFrom'] as const;
  const uses = fields.flatMap((field) =>
    images[field].map((set, index) => ({ path: `images.${field}[${index}]`, set, withoutIt: withoutSet[field] })),
  );
  return uses.length === 0 ? undefined : { uses, maxAgeMs: images.maxSetAge };
}
