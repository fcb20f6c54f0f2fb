import { describeSum, type SetSize } from '../../contract/images/set-sum.ts';
import type { Problem } from '../policy/problem.ts';
import { findNearest } from '../policy/words/nearest.ts';
import { findTooLargeSum } from '../sets/sum.ts';
import type { CleanupPolicy } from './policy.ts';
import { setNeeds } from './set-needs.ts';

const consequences = {
  includeFrom: 'while it is missing, it names no image',
  excludeFrom: 'while it is missing, nothing is removed',
  removeFrom: 'while it is missing, it names no image',
} as const;

/**
 * Remarks about a valid policy, which may be meant as it is. `sets` are the image sets in the same files; without any, the sets
 * come from elsewhere.
 */
export function warningsOf(policy: CleanupPolicy, sets: ReadonlyMap<string, SetSize>): Problem[] {
  const ofSets = sets.size === 0 ? [] : [...findMissing(policy, sets), ...findTooLarge(policy, sets)];
  return [...findNeedless(policy.images), ...ofSets];
}

function findNeedless({ requirePullable, keepLastCopy }: CleanupPolicy['images']): Problem[] {
  if (!requirePullable || !keepLastCopy) return [];
  return [
    {
      path: 'images.keepLastCopy',
      message:
        'images.requirePullable keeps all copies of such images; take it out to keep one copy, or take images.keepLastCopy out',
    },
  ];
}

function findTooLarge(policy: CleanupPolicy, sets: ReadonlyMap<string, SetSize>): Problem[] {
  const found = findTooLargeSum(setNeeds(policy)?.uses ?? [], (name) => sets.get(name));
  if (found === undefined) return [];
  const message = `image set ${found.use.set} makes the sets of the policy too large, and cleaners can't read them: ${describeSum(found.sum)}`;
  return [{ path: found.use.path, message }];
}

function findMissing({ images }: CleanupPolicy, sets: ReadonlyMap<string, SetSize>): Problem[] {
  const fields = ['includeFrom', 'excludeFrom', 'removeFrom'] as const;
  return fields.flatMap((field) =>
    images[field].flatMap((name, index) =>
      sets.has(name)
        ? []
        : [{ path: `images.${field}[${index}]`, message: describeMissing(name, sets, consequences[field]) }],
    ),
  );
}

function describeMissing(name: string, sets: ReadonlyMap<string, SetSize>, consequence: string): string {
  const near = findNearest(name, [...sets.keys()]);
  const advice = near === undefined ? '' : `; did you mean ${near}?`;
  return `image set ${name} is not in these files, and ${consequence}${advice}`;
}
