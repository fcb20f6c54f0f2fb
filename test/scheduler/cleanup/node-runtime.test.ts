import { expect, it } from 'vitest';
import { resolveRuntime } from '../../../scheduler/cleanup/node-runtime.ts';

const none = { sockets: [], stateDirectories: [] };

it.each([
  ['containerd://2.1.0', {}, '/run/containerd/containerd.sock', '/var/lib/containerd/nodesweep'],
  ['containerd://2.1.4-k3s1', {}, '/run/k3s/containerd/containerd.sock', '/var/lib/rancher/nodesweep'],
  [
    'containerd://1.7.2',
    { 'node.kubernetes.io/instance-type': 'rke2' },
    '/run/k3s/containerd/containerd.sock',
    '/var/lib/rancher/nodesweep',
  ],
  [
    'containerd://1.7.2',
    { 'microk8s.io/cluster': 'true' },
    '/var/snap/microk8s/common/run/containerd.sock',
    '/var/snap/microk8s/common/var/lib/containerd/nodesweep',
  ],
  ['cri-o://1.33.0', {}, '/run/crio/crio.sock', '/var/lib/containers/storage/nodesweep'],
  ['docker://28.5.1', {}, '/var/run/docker.sock', '/var/lib/docker/nodesweep'],
])('a node with %s and labels %j is reached at %s', (containerRuntimeVersion, labels, socket, stateDirectory) => {
  expect(resolveRuntime({ containerRuntimeVersion, labels }, none)).toEqual({ socket, stateDirectory });
});

it('a runtime that nobody knows has no socket', () => {
  expect(resolveRuntime({ containerRuntimeVersion: 'rkt://1', labels: {} }, none)).toBeUndefined();
});

it('an override outranks the preset, for the nodes with its label', () => {
  const sockets = [{ path: '/run/gpu.sock', label: { key: 'pool', value: 'gpu' } }];
  const node = { containerRuntimeVersion: 'containerd://2.1.0', labels: { pool: 'gpu' } };
  expect(resolveRuntime(node, { ...none, sockets })?.socket).toBe('/run/gpu.sock');
  expect(resolveRuntime({ ...node, labels: {} }, { ...none, sockets })?.socket).toBe('/run/containerd/containerd.sock');
});
