import { type RancherDistribution, readNodeArguments } from './k3s-arguments.ts';

/** The socket of a node's runtime, and the cleaner's own directory on its image filesystem; both are paths on the node. */
export interface NodeRuntime {
  readonly socket: string;
  readonly stateDirectory: string;
}

/** Facts of a node from which its runtime can be found. */
interface NodeFacts {
  readonly labels: Readonly<Record<string, string>>;
  /** As in `status.nodeInfo.containerRuntimeVersion`. */
  readonly containerRuntimeVersion: string;
  /** As in `status.nodeInfo.kubeletVersion`; distributions add their names to it: `v1.33.1+k0s`. */
  readonly kubeletVersion?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** A path for the nodes that have the label, or for all nodes if there is no label. */
export interface PathOverride {
  readonly path: string;
  readonly label?: { readonly key: string; readonly value: string } | undefined;
}

export interface RuntimeOverrides {
  readonly sockets: readonly PathOverride[];
  readonly stateDirectories: readonly PathOverride[];
}

interface Preset {
  readonly matches: (node: NodeFacts) => boolean;
  readonly socket: string;
  /** The directory with the images on these nodes; undefined if the node does not show it. */
  readonly imageDirectory: string | ((node: NodeFacts) => string | undefined);
}

const k3sSocket = '/run/k3s/containerd/containerd.sock';
const dockerSocket = '/var/run/docker.sock';

const rancherDistributions: readonly RancherDistribution[] = ['rke2', 'k3s'];

const isContainerd = ({ containerRuntimeVersion }: NodeFacts) => containerRuntimeVersion.startsWith('containerd:');

const hasInstanceType = ({ labels }: NodeFacts, ...types: readonly string[]) =>
  types.includes(labels['node.kubernetes.io/instance-type'] ?? '');

/** True for a build of Kubernetes by one of the distributions, which add their names to its version. */
const isBuildOf = ({ kubeletVersion = '' }: NodeFacts, ...names: readonly string[]) =>
  names.some((name) => kubeletVersion.includes(`+${name}`));

/** The first match counts, so distributions come before plain runtimes. Sources: docs/distributions.md. */
const presets: readonly Preset[] = [
  {
    // The containerd of k3s has versions like 2.1.4-k3s1. RKE2 uses the same build and the same path of the socket.
    matches: (node) =>
      isContainerd(node) && (node.containerRuntimeVersion.includes('k3s') || distributionOf(node) !== undefined),
    socket: k3sSocket,
    imageDirectory: imageDirectoryOfRancher,
  },
  {
    matches: (node) => isContainerd(node) && ('node.k0sproject.io/role' in node.labels || isBuildOf(node, 'k0s')),
    socket: '/run/k0s/containerd.sock',
    imageDirectory: '/var/lib/k0s/containerd',
  },
  {
    matches: (node) => isContainerd(node) && 'microk8s.io/cluster' in node.labels,
    socket: '/var/snap/microk8s/common/run/containerd.sock',
    imageDirectory: '/var/snap/microk8s/common/var/lib/containerd',
  },
  {
    matches: isContainerd,
    socket: '/run/containerd/containerd.sock',
    imageDirectory: '/var/lib/containerd',
  },
  {
    matches: ({ containerRuntimeVersion }) => containerRuntimeVersion.startsWith('cri-o:'),
    socket: '/run/crio/crio.sock',
    imageDirectory: '/var/lib/containers/storage',
  },
  {
    // With cri-dockerd, or with the dockershim of a kubelet before 1.24.
    matches: ({ containerRuntimeVersion }) => containerRuntimeVersion.startsWith('docker:'),
    socket: dockerSocket,
    imageDirectory: '/var/lib/docker',
  },
];

/** Finds the socket of a node from the facts that its kubelet reports. An override takes precedence over every preset. */
export function resolveRuntime(node: NodeFacts, overrides: RuntimeOverrides): NodeRuntime | undefined {
  const preset = usesForeignRuntime(node) ? undefined : presets.find(({ matches }) => matches(node));
  const socket = overrideFor(node, overrides.sockets) ?? preset?.socket;
  const stateDirectory = overrideFor(node, overrides.stateDirectories) ?? presetDirectory(node, preset);
  return socket === undefined || stateDirectory === undefined ? undefined : { socket, stateDirectory };
}

function presetDirectory(node: NodeFacts, preset: Preset | undefined): string | undefined {
  const images = typeof preset?.imageDirectory === 'function' ? preset.imageDirectory(node) : preset?.imageDirectory;
  return images && `${images}/nodesweep`;
}

/** Without a sign of the distribution, the directory is that above the directories of both. */
function imageDirectoryOfRancher(node: NodeFacts): string | undefined {
  const distribution = distributionOf(node);
  if (distribution === undefined) return '/var/lib/rancher';
  const { dataDirectory } = readNodeArguments(distribution, node.annotations);
  return dataDirectory && `${dataDirectory}/agent/containerd`;
}

/** The distribution whose directories the node uses. The version of containerd does not show it, because both share it. */
function distributionOf(node: NodeFacts): RancherDistribution | undefined {
  return rancherDistributions.find((name) => isBuildOf(node, name) || hasInstanceType(node, name));
}

/**
 * True if k3s or RKE2 uses a runtime that is not its own, or Docker at an unusual socket. Then version and labels do not show
 * the socket, and a guess could clean the wrong runtime.
 */
function usesForeignRuntime(node: NodeFacts): boolean {
  return rancherDistributions.some((name) => {
    const { runtimeEndpoint, usesDocker } = readNodeArguments(name, node.annotations);
    if (runtimeEndpoint === undefined) return false;
    if (usesDocker) return !['/run/docker.sock', dockerSocket].includes(runtimeEndpoint);
    return isContainerd(node) && runtimeEndpoint !== k3sSocket;
  });
}

function overrideFor(node: NodeFacts, overrides: readonly PathOverride[]): string | undefined {
  return overrides.find(({ label }) => label === undefined || node.labels[label.key] === label.value)?.path;
}
