import { describe, expect, it } from 'vitest';
import { judgeCleanable } from '../../../../scheduler/cleanup/cleanable-nodes.ts';
import type { CleanupDocument } from '../../../../scheduler/cleanup/policy.ts';
import { startupTaint } from '../../../../scheduler/pods/startup-taint.ts';
import { buildNode, buildSpec } from '../../../helpers/builders.ts';

const judge = (nodes: CleanupDocument['nodes'], node: Parameters<typeof buildNode>[1]) => {
  const eligibility = judgeCleanable(buildNode('a', node), buildSpec({ nodes }).nodes);
  return eligibility.verdict === 'Ineligible' ? eligibility.reason : eligibility.verdict;
};
const labels = { pool: 'ci', zone: 'a' };
const taint = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' };

describe('labels select a node (C16, H20):', () => {
  it.each([
    [{ matchLabels: { pool: 'ci' } }, 'Eligible'],
    [{ matchLabels: { pool: 'web' } }, 'NotSelected'],
    [{ matchExpressions: [{ key: 'zone', operator: 'In' as const, values: ['a', 'b'] }] }, 'Eligible'],
    [{ matchExpressions: [{ key: 'zone', operator: 'NotIn' as const, values: ['a'] }] }, 'NotSelected'],
    [{ matchExpressions: [{ key: 'rack', operator: 'NotIn' as const, values: ['a'] }] }, 'Eligible'],
    [{ matchExpressions: [{ key: 'zone', operator: 'Exists' as const }] }, 'Eligible'],
    [{ matchExpressions: [{ key: 'zone', operator: 'DoesNotExist' as const }] }, 'NotSelected'],
    [{ matchExpressions: [{ key: 'constructor', operator: 'Exists' as const }] }, 'NotSelected'],
    [{ matchExpressions: [{ key: 'toString', operator: 'DoesNotExist' as const }] }, 'Eligible'],
    [{ matchLabels: { constructor: 'x' } }, 'NotSelected'],
  ])('%j: %s', (nodes, verdict) => {
    expect(judge(nodes, { labels })).toBe(verdict);
  });
});

describe('a node that is selected but cannot be cleaned has a reason of its own (C16, C17, H10):', () => {
  it.each([
    [
      'cordoned, and cordoned nodes are left out',
      { includeUnschedulable: false },
      { unschedulable: true },
      'Unschedulable',
    ],
    [
      'cordoned',
      {},
      { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] },
      'Eligible',
    ],
    ['tainted, by default tolerated', {}, { taints: [taint] }, 'Eligible'],
    ['tainted and not tolerated', { tolerations: [] }, { taints: [taint] }, 'UntoleratedTaint'],
    [
      'tainted with another value',
      { tolerations: [{ key: 'dedicated', value: 'ci' }] },
      { taints: [taint] },
      'UntoleratedTaint',
    ],
    [
      'tainted and tolerated by value',
      { tolerations: [{ key: 'dedicated', value: 'gpu' }] },
      { taints: [taint] },
      'Eligible',
    ],
    ['new, with the startup taint (P22)', { tolerations: [] }, { taints: [startupTaint] }, 'Eligible'],
    [
      'tainted with another value of the key of the startup taint',
      { tolerations: [] },
      { taints: [{ ...startupTaint, value: 'other' }] },
      'UntoleratedTaint',
    ],
    ['softly tainted', { tolerations: [] }, { taints: [{ ...taint, effect: 'PreferNoSchedule' }] }, 'Eligible'],
    ['not ready', {}, { ready: false }, 'NotReady'],
    ['of another system', {}, { labels: { 'kubernetes.io/os': 'windows' } }, 'UnsupportedOperatingSystem'],
    [
      'of another system, without a label of it',
      {},
      { labels: {}, operatingSystem: 'windows' },
      'UnsupportedOperatingSystem',
    ],
    ['of Fargate', {}, { labels: { 'eks.amazonaws.com/compute-type': 'fargate' } }, 'NodeUnsupported'],
    ['of Virtual Kubelet', {}, { labels: { type: 'virtual-kubelet' }, ready: false }, 'NodeUnsupported'],
    [
      'of Virtual Kubelet, by its taint',
      {},
      { taints: [{ key: 'virtual-kubelet.io/provider', value: 'azure', effect: 'NoSchedule' }] },
      'NodeUnsupported',
    ],
    ['of an unknown runtime', {}, { runtime: undefined }, 'UnknownRuntime'],
  ])('%s', (_title, nodes, node, verdict) => {
    expect(judge(nodes, node)).toBe(verdict);
  });
});
