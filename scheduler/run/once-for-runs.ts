import type { Run } from './run.ts';

/** A list of runs with the value that was computed of it. */
interface Known<Value> {
  readonly runs: readonly Run[];
  readonly value: Value;
}

/** Some steps of a pass look at all runs of a policy, others at a part of them. */
const maxLists = 4;

/** Computes a value of a list of runs only once, as long as no run in the list changes. */
export function onceForRuns<Value>(compute: (runs: readonly Run[]) => Value): (runs: readonly Run[]) => Value {
  const knownLists = new WeakMap<Run, readonly Known<Value>[]>();
  return (runs) => {
    const [first] = runs;
    if (first === undefined) return compute(runs);
    const lists = knownLists.get(first) ?? [];
    const known = lists.find((entry) => hasSame(entry.runs, runs));
    if (known !== undefined) return known.value;
    const value = compute(runs);
    knownLists.set(first, [{ runs, value }, ...lists.slice(0, maxLists - 1)]);
    return value;
  };
}

function hasSame(one: readonly Run[], other: readonly Run[]): boolean {
  return one.length === other.length && one.every((run, index) => run === other[index]);
}
