import fc from 'fast-check';
import { expect, it } from 'vitest';
import { onceForRuns } from '../../../scheduler/run/once-for-runs.ts';
import type { Run } from '../../../scheduler/run/run.ts';
import { buildRun } from '../../helpers/builders.ts';

it('a value of a list of runs is always that of this list, and is computed once for the same runs', () => {
  const runs = ['a', 'b', 'c'].map((name) => buildRun({}, { name }));
  const lists = fc.array(fc.subarray(runs), { maxLength: 20 });
  fc.assert(
    fc.property(lists, (asked) => {
      const namesOf = onceForRuns((list: readonly Run[]) => list.map(({ name }) => name));
      for (const list of asked) {
        expect(namesOf(list)).toEqual(list.map(({ name }) => name));
        if (list.length > 0) expect(namesOf([...list])).toBe(namesOf(list));
      }
    }),
  );
});
