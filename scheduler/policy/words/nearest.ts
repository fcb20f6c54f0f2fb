import leven from 'leven';

/** Longer texts are no typing errors of a name. */
const maxLength = 64;
/** Maximum number of wrong letters; at most a third of the letters may be wrong. */
const maxMistakes = 3;

/** The candidate that a text most probably means: it differs in a few letters, in case, or in dashes. */
export function findNearest(text: string, candidates: readonly string[]): string | undefined {
  const typed = simplify(text);
  if (typed.length > maxLength) return undefined;
  const allowed = Math.min(maxMistakes, Math.floor(typed.length / 3));
  const [nearest] = candidates
    .map((candidate) => ({ candidate, distance: distanceBetween(typed, simplify(candidate), allowed) }))
    .filter(({ distance }) => distance <= allowed)
    .toSorted((a, b) => a.distance - b.distance);
  return nearest?.candidate;
}

function simplify(text: string): string {
  return text.toLowerCase().replaceAll(/[-_]/g, '');
}

/** The number of letters that differ; infinite if it is more than `allowed` by the lengths alone. */
function distanceBetween(one: string, other: string, allowed: number): number {
  return Math.abs(one.length - other.length) > allowed ? Number.POSITIVE_INFINITY : leven(one, other);
}
