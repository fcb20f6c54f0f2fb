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
  readonly imageFilesystem: string;
}

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
      /^containerd:.*k3s/.test(node.containerRuntimeVersion) ||
      (isContainerd(node) && (hasInstanceType(node, 'k3s', 'rke2') || isBuildOf(node, 'k3s', 'rke2'))),
    socket: '/run/k3s/containerd/containerd.sock',
    imageFilesystem: '/var/lib/rancher',
  },
  {
    matches: (node) => isContainerd(node) && ('node.k0sproject.io/role' in node.labels || isBuildOf(node, 'k0s')),
    socket: '/run/k0s/containerd.sock',
    imageFilesystem: '/var/lib/k0s/containerd',
  },
  {
    matches: (node) => isContainerd(node) && 'microk8s.io/cluster' in node.labels,
    socket: '/var/snap/microk8s/common/run/containerd.sock',
    imageFilesystem: '/var/snap/microk8s/common/var/lib/containerd',
  },
  {
    matches: isContainerd,
    socket: '/run/containerd/containerd.sock',
    imageFilesystem: '/var/lib/containerd',
  },
  {
    matches: ({ containerRuntimeVersion }) => containerRuntimeVersion.startsWith('cri-o:'),
    socket: '/run/crio/crio.sock',
    imageFilesystem: '/var/lib/containers/storage',
  },
  {
    // With cri-dockerd, or with the dockershim of a kubelet before 1.24.
    matches: ({ containerRuntimeVersion }) => containerRuntimeVersion.startsWith('docker:'),
    socket: '/var/run/docker.sock',
    imageFilesystem: '/var/lib/docker',
  },
];

/** Finds the socket of a node from the facts that its kubelet reports. An override takes precedence over every preset. */
export function resolveRuntime(node: NodeFacts, overrides: RuntimeOverrides): NodeRuntime | undefined {
  const preset = usesForeignRuntime(node) ? undefined : presets.find(({ matches }) => matches(node));
  const socket = overrideFor(node, overrides.sockets) ?? preset?.socket;
  const stateDirectory =
    overrideFor(node, overrides.stateDirectories) ?? (preset && `${preset.imageFilesystem}/nodesweep`);
  return socket === undefined || stateDirectory === undefined ? undefined : { socket, stateDirectory };
}

/** Annotations in which k3s and RKE2 store the arguments of a node as JSON. */
const argumentAnnotations = ['k3s.io/node-args', 'rke2.io/node-args'] as const;

/**
 * True if k3s or RKE2 uses a runtime that is not its own. Then version and labels do not show the socket, and a guess could
 * clean the wrong runtime.
 */
function usesForeignRuntime({ containerRuntimeVersion, annotations = {} }: NodeFacts): boolean {
  if (!containerRuntimeVersion.startsWith('containerd:')) return false;
  const endpoint = /"--container-runtime-endpoint(?:=|"\s*,\s*")(?:unix:\/\/)?([^"]+)"/;
  return argumentAnnotations.some((key) => {
    const [, path] = endpoint.exec(annotations[key] ?? '') ?? [];
    return path !== undefined && path !== '/run/k3s/containerd/containerd.sock';
  });
}

function overrideFor(node: NodeFacts, overrides: readonly PathOverride[]): string | undefined {
  return overrides.find(({ label }) => label === undefined || node.labels[label.key] === label.value)?.path;
}
