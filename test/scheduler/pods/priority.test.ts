import { expect, it } from 'vitest';
import { mayPreempt } from '../../../scheduler/pods/priority.ts';

const zero = { resources: { requests: { cpu: '0', memory: '0' } } };
const some = { resources: { requests: { cpu: '10m' } } };
const critical = 'system-node-critical';

it.each([
  ['a critical pod without requests', { priorityClassName: critical, containers: [zero, {}] }, false],
  ['a critical pod with zeros of any unit', { containers: [{ resources: { requests: { memory: '0Mi' } } }] }, false],
  ['a critical pod in which a sidecar has requests', { priorityClassName: critical, containers: [zero, some] }, true],
  ['one in which an init container has', { priorityClassName: critical, initContainers: [some] }, true],
  ['one that has requests as a whole', { priorityClassName: critical, ...some }, true],
  ['one whose runtime class has an overhead', { priorityClassName: critical, overhead: { memory: '120Mi' } }, true],
  ['a pod that is not critical, with requests', { priorityClassName: 'nodesweep-cleaner', containers: [some] }, false],
])('%s may make the kubelet end others: %j, %s (H1)', (_, spec, expected) => {
  expect(mayPreempt({ spec })).toBe(expected);
});
