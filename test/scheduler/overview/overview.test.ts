import { expect, it } from 'vitest';
import { runKinds } from '../../../scheduler/kinds.ts';
import { describePolicies } from '../../../scheduler/overview/overview.ts';
import { buildPolicyObject, buildRun, secondsLater } from '../../helpers/builders.ts';

const runs = [1, 3, 2].map((number) => ({
  value: buildRun({}, { name: `nightly-${number}`, policy: 'nightly', startedAt: secondsLater(number) }),
  resourceVersion: '1',
}));
const state = { policies: [buildPolicyObject({}, { name: 'nightly' })], statuses: new Map(), runs };

it.each([
  [undefined, ['nightly-3', 'nightly-2', 'nightly-1']],
  [1, ['nightly-3']],
])('of the runs of a policy the newest %s are described', (maxRuns, expected) => {
  expect(describePolicies(state, runKinds, maxRuns)[0]?.runs.map(({ run }) => run)).toEqual(expected);
});
