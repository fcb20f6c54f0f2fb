import { describe, expect, it } from 'vitest';
import { groupCauses } from '../../../scheduler/overview/causes.ts';

const failed = (node: string, message: string, reason = 'NotStarted') => ({ node, result: 'Failed', reason, message });

const notStarted = { result: 'Failed', reason: 'NotStarted' };

describe('the problems of nodes are grouped', () => {
  it('if their reasons and messages are equal, the most frequent first (C32)', () => {
    const problems = [
      failed('c', 'no such socket'),
      ...['a', 'b'].map((node) => failed(node, 'ErrImagePull: not found')),
      { node: 'd', result: 'Skipped', reason: 'NotReady', message: undefined },
    ];
    expect(groupCauses(problems)).toEqual([
      { ...notStarted, message: 'ErrImagePull: not found', isExact: true, count: 2, nodes: ['a', 'b'] },
      { ...notStarted, message: 'no such socket', isExact: true, count: 1, nodes: ['c'] },
      { result: 'Skipped', reason: 'NotReady', message: undefined, isExact: true, count: 1, nodes: ['d'] },
    ]);
  });

  it.each([
    ['sizes', 'disk usage is 85.2 %', 'disk usage is 91 %'],
    [
      'addresses and ports',
      'dial tcp 10.0.0.1:41234->10.0.0.53:53: timeout',
      'dial tcp 10.0.3.9:9->10.0.0.53:53: timeout',
    ],
    ['the name of the node', 'node a has no room', 'node b has no room'],
  ])('if they differ only in %s', (_what, one, other) => {
    expect(groupCauses([failed('a', one), failed('b', other)])).toMatchObject([
      { message: one, isExact: false, count: 2, nodes: ['a', 'b'] },
    ]);
  });

  it.each([
    ['reasons', failed('a', 'no'), failed('b', 'no', 'Refused')],
    ['images', failed('a', 'acme/web:1: not found'), failed('b', 'acme/web:2: not found')],
    ['digests', failed('a', 'web@sha256:01ab'), failed('b', 'web@sha256:02ab')],
  ])('but not if they have different %s', (_what, one, other) => {
    expect(groupCauses([one, other])).toHaveLength(2);
  });

  it('with the names of the first 20 nodes, and the number of all', () => {
    const problems = Array.from({ length: 5_000 }, (_, index) =>
      failed(`node-${String(index).padStart(4, '0')}`, 'no'),
    );
    const [cause] = groupCauses(problems);
    expect(cause).toMatchObject({ count: 5_000 });
    expect(cause?.nodes).toHaveLength(20);
  });
});
