import type { Fate } from './kwok-stages.ts';

/** The names of `count` simulated nodes whose pods meet the same fate. */
export function nodeNames(count: number, fate: Fate = 'node'): string[] {
  return Array.from({ length: count }, (_, index) => `${fate}-${String(index + 1).padStart(4, '0')}`);
}

/** A node as a kubelet registers it: with images and addresses, so that it is as large as a real one. */
export function buildNodeObject(name: string, labels: Readonly<Record<string, string>> = {}, ready = true) {
  const now = new Date().toISOString();
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64', ...labels },
      annotations: { 'node.alpha.kubernetes.io/ttl': '0' },
    },
    spec: { podCIDR: '10.200.0.0/24' },
    status: {
      allocatable: resources,
      capacity: resources,
      addresses: [
        { type: 'InternalIP', address: '192.0.2.1' },
        { type: 'Hostname', address: name },
      ],
      conditions: [
        condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', now),
        condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', now),
        condition('PIDPressure', 'False', 'KubeletHasSufficientPID', now),
        condition('Ready', ready ? 'True' : 'False', ready ? 'KubeletReady' : 'KubeletNotReady', now),
      ],
      images,
      nodeInfo,
      phase: 'Running',
    },
  };
}

const resources = { cpu: '16', memory: '64Gi', 'ephemeral-storage': '200Gi', pods: '110' };

const nodeInfo = {
  architecture: 'amd64',
  bootID: 'a3a0b1a5-8b6a-4a8e-9d38-7a1b3f8e2f10',
  containerRuntimeVersion: 'containerd://2.1.0',
  kernelVersion: '6.12.0',
  kubeProxyVersion: 'v1.36.3',
  kubeletVersion: 'v1.36.3',
  machineID: '0123456789abcdef0123456789abcdef',
  operatingSystem: 'linux',
  osImage: 'Debian GNU/Linux 12 (bookworm)',
  systemUUID: '01234567-89ab-cdef-0123-456789abcdef',
};

/** A kubelet names up to 50 images of its node. */
const images = Array.from({ length: 50 }, (_, index) => {
  const digest = index.toString(16).padStart(64, '0');
  const repository = `registry.test/team-${index % 7}/service-${index}`;
  return { names: [`${repository}@sha256:${digest}`, `${repository}:1.${index}.0`], sizeBytes: 50_000_000 + index };
});

function condition(type: string, status: string, reason: string, now: string) {
  return { type, status, reason, message: reason, lastHeartbeatTime: now, lastTransitionTime: now };
}
