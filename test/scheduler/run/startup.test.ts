import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openingOf, type StartupPolicy, type StartupState } from '../../../scheduler/run/startup.ts';
import { buildNode, secondsLater, start } from '../../helpers/builders.ts';

const states: readonly StartupState[] = [
  { state: 'NotReached' },
  { state: 'Served' },
  { state: 'Missing', message: 'words' },
];
const arbitraryPolicies = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    timeoutSeconds: fc.integer({ min: 1, max: 1_000 }),
    work: fc.constantFrom(...states),
  }),
  { selector: ({ name }) => name, maxLength: 4 },
);
const arbitraryNode = fc.record({
  ready: fc.boolean(),
  createdAt: fc.constant(start),
  readySince: fc.constantFrom(start, secondsLater(5_000)),
  taints: fc.subarray([
    { key: 'node.cloudprovider.kubernetes.io/uninitialized', value: 'true', effect: 'NoSchedule' },
    { key: 'karpenter.sh/unregistered', effect: 'NoExecute' },
    { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' },
  ]),
});
const arbitraryAge = fc.integer({ min: 0, max: 1_200 });

type Work = { readonly name: string; readonly timeoutSeconds: number; readonly work: StartupState };

function decide(policies: readonly Work[], node: Parameters<typeof buildNode>[1], age: number) {
  const asked: StartupPolicy[] = policies.map(({ work, ...policy }) => ({ ...policy, stateOn: () => work }));
  return openingOf(buildNode('a', node), asked, secondsLater(age));
}

describe('a node with the startup taint (P22)', () => {
  it('waits for each policy until it has done its work there or its timeout is over', () => {
    fc.assert(
      fc.property(arbitraryPolicies, arbitraryNode, arbitraryAge, (policies, node, age) => {
        const missing = policies.filter(({ work }) => work.state === 'Missing');
        const opening = decide(policies, node, age);
        if (missing.some(({ timeoutSeconds }) => age < timeoutSeconds)) expect(opening).toBeUndefined();
        else if (missing.length > 0)
          expect(opening).toEqual({
            cause: 'TimedOut',
            missing: missing.map(({ name }) => ({ policy: name, message: 'words' })),
          });
        else if (policies.some(({ work }) => work.state === 'Served')) expect(opening).toEqual({ cause: 'Served' });
      }),
    );
  });

  it('loses it at the end of the longest timeout, or after ten minutes, in whatever state it and the policies are', () => {
    fc.assert(
      fc.property(arbitraryPolicies, arbitraryNode, (policies, node) => {
        const longest = Math.max(600, ...policies.map(({ timeoutSeconds }) => timeoutSeconds));
        expect(decide(policies, node, longest)).toBeDefined();
      }),
    );
  });

  it('never gets it back by waiting: once it may lose the taint, it may later too', () => {
    fc.assert(
      fc.property(arbitraryPolicies, arbitraryNode, arbitraryAge, arbitraryAge, (policies, node, age, more) => {
        if (decide(policies, node, age) !== undefined) expect(decide(policies, node, age + more)).toBeDefined();
      }),
    );
  });

  it('that no policy reaches loses it when it is ready and has all of its labels', () => {
    const nobody: readonly Work[] = [{ name: 'a', timeoutSeconds: 300, work: { state: 'NotReached' } }];
    const labelled = { createdAt: start, ready: true };
    for (const policies of [[], nobody]) {
      expect(decide(policies, labelled, 0)).toEqual({ cause: 'NotReached' });
      expect(decide(policies, { ...labelled, ready: false }, 0)).toBeUndefined();
      for (const key of ['node.cloudprovider.kubernetes.io/uninitialized', 'karpenter.sh/unregistered']) {
        const taints = [{ key, effect: 'NoSchedule' }];
        expect(decide(policies, { ...labelled, taints }, 0)).toBeUndefined();
        expect(decide(policies, { ...labelled, taints }, 600)).toEqual({ cause: 'NotReached' });
      }
    }
  });
});
