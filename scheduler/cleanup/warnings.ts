import type { Problem } from '../policy/problem.ts';
import { findNearest } from '../policy/words/nearest.ts';
import type { CleanupPolicy } from './policy.ts';

const consequences = {
  includeFrom: 'while it is missing, it names no image',
  excludeFrom: 'while it is missing, nothing is removed',
  removeFrom: 'while it is missing, it names no image',
} as const;

/**
 * Remarks about a valid policy, which may be meant as it is. `sets` are the names of the image sets in the same files; without
 * any, the sets come from elsewhere.
 */
export function warningsOf({ images }: CleanupPolicy, sets: ReadonlySet<string>): Problem[] {
  return [...findNeedless(images), ...findMissing(images, sets)];
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

function findMissing(images: CleanupPolicy['images'], sets: ReadonlySet<string>): Problem[] {
  if (sets.size === 0) return [];
  const fields = ['includeFrom', 'excludeFrom', 'removeFrom'] as const;
  return fields.flatMap((field) =>
    images[field].flatMap((name, index) =>
      sets.has(name)
        ? []
        : [{ path: `images.${field}[${index}]`, message: describeMissing(name, sets, consequences[field]) }],
    ),
  );
}

function describeMissing(name: string, sets: ReadonlySet<string>, consequence: string): string {
  const near = findNearest(name, [...sets]);
  const advice = near === undefined ? '' : `; did you mean ${near}?`;
  return `image set ${name} is not in these files, and ${consequence}${advice}`;
}
