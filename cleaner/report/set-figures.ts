import type { Report } from '../../contract/report.ts';
import type { Kept } from '../plan/judge.ts';
import type { RemovalResult } from '../removal/verify.ts';

type Figures = NonNullable<Report['sets']>;

/** The maximum size of the figures of sets in a report, in bytes of JSON. Errors need the rest of the report. */
const maxFiguresBytes = 600;

/**
 * Counts the images that were removed or kept because of each image set, the set with the most images first. Sets that do not
 * fit are missing.
 */
export function countBySet(kept: readonly Kept[], results: readonly RemovalResult[]): Pick<Report, 'sets'> {
  const removed = results.filter(({ outcome }) => outcome.kind === 'removed').map(({ removal }) => removal.cause?.set);
  const removedBySet = countNames(removed);
  const keptBySet = countNames(kept.map(({ set }) => set));
  const figures = [...new Set([...removedBySet.keys(), ...keptBySet.keys()])]
    .map((name) => [name, { removed: removedBySet.get(name) ?? 0, kept: keptBySet.get(name) ?? 0 }] as const)
    .toSorted(([, one], [, other]) => other.removed + other.kept - (one.removed + one.kept));
  return figures.length === 0 ? {} : { sets: selectFitting(figures) };
}

function countNames(names: readonly (string | undefined)[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function selectFitting(figures: readonly (readonly [string, Figures[string]])[]): Figures {
  let selected: Figures = {};
  for (const [name, figure] of figures) {
    const next = { ...selected, [name]: figure };
    if (JSON.stringify(next).length > maxFiguresBytes) return selected;
    selected = next;
  }
  return selected;
}
