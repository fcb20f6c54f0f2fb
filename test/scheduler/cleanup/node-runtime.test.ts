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

const containerd = ['/run/containerd/containerd.sock', '/var/lib/containerd/nodesweep'] as const;
const k3s = ['/run/k3s/containerd/containerd.sock', '/var/lib/rancher/nodesweep'] as const;
const k0s = ['/run/k0s/containerd.sock', '/var/lib/k0s/containerd/nodesweep'] as const;
const crio = ['/run/crio/crio.sock', '/var/lib/containers/storage/nodesweep'] as const;
const docker = ['/var/run/docker.sock', '/var/lib/docker/nodesweep'] as const;
const microk8s = [
  '/var/snap/microk8s/common/run/containerd.sock',
  '/var/snap/microk8s/common/var/lib/containerd/nodesweep',
] as const;
const instanceType = (type: string) => ({ 'node.kubernetes.io/instance-type': type });

it.each([
  ['k0s, by its label', 'containerd://1.7.27', 'v1.33.1', { 'node.k0sproject.io/role': 'worker' }, k0s],
  ['k0s, by its version', 'containerd://1.7.27', 'v1.33.1+k0s', {}, k0s],
  ['k3s with the instance type of a cloud', 'containerd://2.0.5-k3s1', 'v1.33.1+k3s1', instanceType('m5.large'), k3s],
  ['Rancher Desktop', 'containerd://1.7.27', 'v1.32.5+k3s1', instanceType('k3s'), k3s],
  ['Rancher Desktop with dockerd', 'docker://28.0.1', 'v1.32.5+k3s1', instanceType('k3s'), docker],
  ['RKE2, by its version', 'containerd://1.7.27', 'v1.33.1+rke2r1', instanceType('m5.large'), k3s],
  ['MicroK8s', 'containerd://1.6.28', 'v1.32.3', { 'microk8s.io/cluster': 'true' }, microk8s],
  ['Talos', 'containerd://2.0.5', 'v1.33.1', {}, containerd],
  ['Bottlerocket', 'containerd://1.7.27+bottlerocket', 'v1.32.1-eks-5d632ec', {}, containerd],
  ['Flatcar', 'containerd://1.7.23', 'v1.33.1', {}, containerd],
  ['GKE on COS', 'containerd://1.7.24', 'v1.32.2-gke.1182003', { 'cloud.google.com/gke-nodepool': 'a' }, containerd],
  ['EKS on AL2023', 'containerd://1.7.27', 'v1.32.3-eks-473151a', instanceType('m5.large'), containerd],
  ['AKS', 'containerd://1.7.27-1', 'v1.32.4', { 'kubernetes.azure.com/mode': 'system' }, containerd],
  ['OpenShift', 'cri-o://1.31.8-4.rhaos4.18', 'v1.31.8', { 'node.openshift.io/os_id': 'rhel' }, crio],
  ['kind', 'containerd://2.1.1', 'v1.33.1', {}, containerd],
  ['minikube with containerd', 'containerd://1.7.27', 'v1.33.1', { 'minikube.k8s.io/name': 'minikube' }, containerd],
  ['minikube with CRI-O', 'cri-o://1.24.6', 'v1.33.1', { 'minikube.k8s.io/name': 'minikube' }, crio],
  ['minikube with Docker', 'docker://28.1.1', 'v1.33.1', { 'minikube.k8s.io/name': 'minikube' }, docker],
  ['Docker Desktop', 'docker://28.1.1', 'v1.32.2', {}, docker],
] as const)('the socket and the directory of %s are known (H17)', (_, version, kubeletVersion, labels, expected) => {
  const [socket, stateDirectory] = expected;
  const node = { containerRuntimeVersion: version, kubeletVersion, labels };
  expect(resolveRuntime(node, none)).toEqual({ socket, stateDirectory });
});

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
