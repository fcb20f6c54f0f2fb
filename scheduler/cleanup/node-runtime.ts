/** Where a node's runtime is reached, and the cleaner's own directory on its image filesystem; both paths on the node. */
export interface NodeRuntime {
  readonly socket: string;
  readonly stateDirectory: string;
}

/** What a node tells of itself, as far as its runtime can be found from it. */
interface NodeFacts {
  readonly labels: Readonly<Record<string, string>>;
  /** As in `status.nodeInfo.containerRuntimeVersion`. */
  readonly containerRuntimeVersion: string;
}

/** A path for the nodes that have the label, or for all nodes where there is none. */
export interface PathOverride {
  readonly path: string;
  readonly label?: { readonly key: string; readonly value: string } | undefined;
}

export interface RuntimeOverrides {
  readonly sockets: readonly PathOverride[];
  readonly stateDirectories: readonly PathOverride[];
}

interface Preset {
  readonly matches: (version: string, labels: Readonly<Record<string, string>>) => boolean;
  readonly socket: string;
  readonly imageFilesystem: string;
}

const hasInstanceType = (labels: Readonly<Record<string, string>>, ...types: readonly string[]) =>
  types.includes(labels['node.kubernetes.io/instance-type'] ?? '');

/** The first that matches counts: distributions come before the runtime they bring along. */
const presets: readonly Preset[] = [
  {
    // k3s calls its build of containerd 2.1.4-k3s1, and so does RKE2, which also puts its sockets there.
    matches: (version, labels) => /^containerd:.*k3s/.test(version) || hasInstanceType(labels, 'k3s', 'rke2'),
    socket: '/run/k3s/containerd/containerd.sock',
    imageFilesystem: '/var/lib/rancher',
  },
  {
    matches: (version, labels) => version.startsWith('containerd:') && 'microk8s.io/cluster' in labels,
    socket: '/var/snap/microk8s/common/run/containerd.sock',
    imageFilesystem: '/var/snap/microk8s/common/var/lib/containerd',
  },
  {
    matches: (version) => version.startsWith('containerd:'),
    socket: '/run/containerd/containerd.sock',
    imageFilesystem: '/var/lib/containerd',
  },
  {
    matches: (version) => version.startsWith('cri-o:'),
    socket: '/run/crio/crio.sock',
    imageFilesystem: '/var/lib/containers/storage',
  },
  {
    // Behind cri-dockerd, or behind the dockershim of a kubelet before 1.24.
    matches: (version) => version.startsWith('docker:'),
    socket: '/var/run/docker.sock',
    imageFilesystem: '/var/lib/docker',
  },
];

/** Finds the socket of a node from what its kubelet tells of the runtime; an override outranks every preset. */
export function resolveRuntime(node: NodeFacts, overrides: RuntimeOverrides): NodeRuntime | undefined {
  const preset = presets.find(({ matches }) => matches(node.containerRuntimeVersion, node.labels));
  const socket = overrideFor(node, overrides.sockets) ?? preset?.socket;
  const stateDirectory =
    overrideFor(node, overrides.stateDirectories) ?? (preset && `${preset.imageFilesystem}/nodesweep`);
  return socket === undefined || stateDirectory === undefined ? undefined : { socket, stateDirectory };
}

function overrideFor(node: NodeFacts, overrides: readonly PathOverride[]): string | undefined {
  return overrides.find(({ label }) => label === undefined || node.labels[label.key] === label.value)?.path;
}
