import { expect, it } from 'vitest';
import { resolveRuntime } from '../../../scheduler/cleanup/node-runtime.ts';

const none = { sockets: [], stateDirectories: [] };

it.each([
  '["agent","--container-runtime-endpoint","unix:///run/containerd/containerd.sock"]',
  '["agent","--container-runtime-endpoint=/run/containerd/containerd.sock"]',
])('a k3s that was told to use another containerd is not guessed: %s (H17)', (args) => {
  const node = { containerRuntimeVersion: 'containerd://1.7.27', kubeletVersion: 'v1.33.1+k3s1', labels: {} };
  const annotations = { 'k3s.io/node-args': args };
  expect(resolveRuntime({ ...node, annotations }, none)).toBeUndefined();
  const sockets = [{ path: '/run/a.sock' }];
  const stateDirectories = [{ path: '/data/nodesweep' }];
  expect(resolveRuntime({ ...node, annotations }, { sockets, stateDirectories })?.socket).toBe('/run/a.sock');
});

it.each(['', 'frakti://1', 'containerd', 'Containerd://2.1.0'])(
  'a runtime that calls itself "%s" has no socket (H17)',
  (version) => {
    expect(resolveRuntime({ containerRuntimeVersion: version, labels: {} }, none)).toBeUndefined();
  },
);

it('a runtime that nobody knows has no socket', () => {
  expect(resolveRuntime({ containerRuntimeVersion: 'rkt://1', labels: {} }, none)).toBeUndefined();
});

it('an override outranks the preset, for the nodes with its label', () => {
  const sockets = [{ path: '/run/gpu.sock', label: { key: 'pool', value: 'gpu' } }];
  const node = { containerRuntimeVersion: 'containerd://2.1.0', labels: { pool: 'gpu' } };
  expect(resolveRuntime(node, { ...none, sockets })?.socket).toBe('/run/gpu.sock');
  expect(resolveRuntime({ ...node, labels: {} }, { ...none, sockets })?.socket).toBe('/run/containerd/containerd.sock');
});
