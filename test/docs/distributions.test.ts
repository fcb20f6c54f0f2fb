import { describe, expect, it } from 'vitest';
import { resolveRuntime } from '../../scheduler/cleanup/node-runtime.ts';
import { codeSpans, readDocument } from './documents.ts';

/** A node of a distribution: the versions of its runtime and kubelet, and its labels. */
interface Sample {
  readonly distribution: string;
  readonly runtime: string;
  readonly kubelet: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const instanceType = (type: string) => ({ 'node.kubernetes.io/instance-type': type });
const nodeArguments = (endpoint: string) => ({
  'k3s.io/node-args': `["server","--container-runtime-endpoint","${endpoint}"]`,
});
const minikube = { 'minikube.k8s.io/name': 'minikube' };

const samples: readonly Sample[] = [
  { distribution: 'k3s', runtime: 'containerd://2.0.5-k3s1', kubelet: 'v1.33.1+k3s1', labels: instanceType('k3s') },
  {
    distribution: 'k3s',
    runtime: 'containerd://2.0.5-k3s1',
    kubelet: 'v1.33.1+k3s1',
    labels: instanceType('m5.large'),
  },
  { distribution: 'k3s', runtime: 'containerd://2.1.4', kubelet: 'v1.33.1+k3s1' },
  { distribution: 'k3s', runtime: 'containerd://2.1.4', kubelet: 'v1.33.1', labels: instanceType('k3s') },
  { distribution: 'RKE2', runtime: 'containerd://2.0.5-k3s2', kubelet: 'v1.33.1+rke2r1', labels: instanceType('rke2') },
  { distribution: 'RKE2', runtime: 'containerd://1.7.27', kubelet: 'v1.33.1+rke2r1' },
  { distribution: 'RKE2', runtime: 'containerd://1.7.27', kubelet: 'v1.33.1', labels: instanceType('rke2') },
  {
    distribution: 'k0s',
    runtime: 'containerd://1.7.27',
    kubelet: 'v1.33.1',
    labels: { 'node.k0sproject.io/role': 'worker' },
  },
  { distribution: 'k0s', runtime: 'containerd://1.7.27', kubelet: 'v1.33.1+k0s' },
  {
    distribution: 'MicroK8s',
    runtime: 'containerd://1.6.28',
    kubelet: 'v1.32.3',
    labels: { 'microk8s.io/cluster': 'true' },
  },
  { distribution: 'Talos', runtime: 'containerd://2.0.5', kubelet: 'v1.33.1' },
  { distribution: 'Bottlerocket', runtime: 'containerd://1.7.27+bottlerocket', kubelet: 'v1.32.1-eks-5d632ec' },
  { distribution: 'Flatcar', runtime: 'containerd://1.7.23', kubelet: 'v1.33.1' },
  {
    distribution: 'GKE with Container-Optimized OS',
    runtime: 'containerd://1.7.24',
    kubelet: 'v1.32.2-gke.1182003',
    labels: { 'cloud.google.com/gke-nodepool': 'a', 'cloud.google.com/gke-os-distribution': 'cos' },
  },
  {
    distribution: 'EKS with Amazon Linux 2023',
    runtime: 'containerd://1.7.27',
    kubelet: 'v1.32.3-eks-473151a',
    labels: instanceType('m5.large'),
  },
  {
    distribution: 'AKS',
    runtime: 'containerd://1.7.27-1',
    kubelet: 'v1.32.4',
    labels: { 'kubernetes.azure.com/mode': 'system' },
  },
  {
    distribution: 'OpenShift',
    runtime: 'cri-o://1.31.8-4.rhaos4.18',
    kubelet: 'v1.31.8',
    labels: { 'node.openshift.io/os_id': 'rhel' },
  },
  { distribution: 'kind', runtime: 'containerd://2.1.1', kubelet: 'v1.33.1' },
  { distribution: 'minikube', runtime: 'containerd://1.7.27', kubelet: 'v1.33.1', labels: minikube },
  { distribution: 'minikube', runtime: 'cri-o://1.24.6', kubelet: 'v1.33.1', labels: minikube },
  { distribution: 'minikube', runtime: 'docker://28.1.1', kubelet: 'v1.33.1', labels: minikube },
  { distribution: 'Docker Desktop', runtime: 'docker://28.1.1', kubelet: 'v1.32.2' },
  { distribution: 'Docker Desktop', runtime: 'containerd://2.1.1', kubelet: 'v1.33.1' },
  {
    distribution: 'Rancher Desktop',
    runtime: 'containerd://v2.0.5',
    kubelet: 'v1.32.5+k3s1',
    labels: instanceType('k3s'),
    annotations: nodeArguments('/run/k3s/containerd/containerd.sock'),
  },
  {
    distribution: 'Rancher Desktop',
    runtime: 'docker://28.0.1',
    kubelet: 'v1.32.5+k3s1',
    labels: instanceType('k3s'),
    annotations: nodeArguments('/run/cri-dockerd.sock'),
  },
];

const rows = [...readDocument('docs/distributions.md').text.matchAll(/^\| (?!distribution )(.*) \|$/gm)].map(
  ([, row = '']) => {
    const [distribution = '', , sockets = '', images = '', , sources = ''] = row.split(' | ');
    return { distribution, sockets: codeSpans(sockets), images: codeSpans(images), sources };
  },
);

/** The runtimes that the scheduler finds on the nodes of a distribution. */
function runtimesOf(distribution: string) {
  const nodes = samples.filter((sample) => sample.distribution === distribution);
  return nodes.map(({ runtime, kubelet, labels = {}, annotations }) =>
    resolveRuntime(
      { containerRuntimeVersion: runtime, kubeletVersion: kubelet, labels, annotations },
      { sockets: [], stateDirectories: [] },
    ),
  );
}

describe('the table of distributions', () => {
  it('has a row for each distribution that is tested, and no other', () => {
    expect(rows.map(({ distribution }) => distribution)).toEqual([
      ...new Set(samples.map(({ distribution }) => distribution)),
    ]);
  });

  it.each(rows)('names the sockets and directories that are found on nodes of $distribution (H17)', (row) => {
    const runtimes = runtimesOf(row.distribution);
    const directories = runtimes.map((runtime) => runtime?.stateDirectory.replace(/\/nodesweep$/, ''));
    expect([...new Set(runtimes.map((runtime) => runtime?.socket))].toSorted()).toEqual(row.sockets.toSorted());
    expect([...new Set(directories)].toSorted()).toEqual(row.images.toSorted());
  });

  it.each(rows)('names its sources for $distribution', ({ sources }) => {
    expect(sources).toMatch(/\]\(https:\/\/[^)]+\)/);
  });
});
