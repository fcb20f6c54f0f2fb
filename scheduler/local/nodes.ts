import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type NodeRuntime, resolveRuntime } from '../cleanup/node-runtime.ts';
import type { Node } from '../objects.ts';

/** The error for endpoints of `nodesweep local` that are not valid. The message lists all problems. */
export class EndpointError extends Error {
  override readonly name = 'EndpointError';
}

/** Possible runtimes of this machine, with the facts that a kubelet would report. */
const usualRuntimes = [
  { containerRuntimeVersion: 'containerd://k3s', labels: {} },
  { containerRuntimeVersion: 'containerd://', labels: { 'node.k0sproject.io/role': '' } },
  { containerRuntimeVersion: 'containerd://', labels: { 'microk8s.io/cluster': 'true' } },
  { containerRuntimeVersion: 'containerd://', labels: {} },
  { containerRuntimeVersion: 'cri-o://', labels: {} },
  { containerRuntimeVersion: 'docker://', labels: {} },
].flatMap((node) => resolveRuntime(node, { sockets: [], stateDirectories: [] }) ?? []);

/**
 * The nodes of `nodesweep local`: the named endpoints, or this machine with the first known socket that `exists`. Throws
 * an {@link EndpointError}.
 *
 * The history of a runtime with a known socket is next to its images; that of other runtimes is in the state directory.
 */
export function localNodes(
  endpoints: readonly string[],
  hostname: string,
  state: string,
  exists: (path: string) => boolean = existsSync,
): Node[] {
  if (endpoints.length === 0) return [buildNode(hostname, findRuntime(usualRuntimes, exists))];
  const pairs = endpoints.map(parseEndpoint);
  const problems = [...pairs.flatMap(({ problem }) => problem ?? []), ...repeatedNames(pairs)];
  if (problems.length > 0) throw new EndpointError(problems.join('; '));
  return pairs.map(({ name, socket }) => buildNode(name, runtimeAt(socket, join(state, 'nodes', name))));
}

/**
 * Docker Engine includes a containerd with the usual socket. That containerd is the runtime of a node only if there is a
 * kubelet. Otherwise Docker comes first.
 */
function findRuntime(runtimes: readonly NodeRuntime[], exists: (path: string) => boolean): NodeRuntime {
  const present = runtimes.filter(({ socket }) => exists(socket));
  const docker = present.find(({ socket }) => socket.endsWith('/docker.sock'));
  const found = exists('/var/lib/kubelet') ? present[0] : (docker ?? present[0]);
  if (found !== undefined) return found;
  const sockets = runtimes.map(({ socket }) => socket).join(', ');
  throw new EndpointError(
    `this machine has no container runtime with a known socket (${sockets}); set its socket: --endpoint NAME=unix:///PATH`,
  );
}

interface Pair {
  readonly name: string;
  readonly socket: string;
  readonly problem?: string;
}

function parseEndpoint(text: string): Pair {
  const [, name = '', socket = ''] = /^([^=]*)=(?:unix:\/\/)?(\/.+)$/.exec(text) ?? [];
  if (socket === '')
    return { name, socket, problem: `endpoint "${text}" is not written like web=unix:///run/web.sock` };
  if (/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(name)) return { name, socket };
  return {
    name,
    socket,
    problem: `endpoint "${text}": "${name}" must consist of lower-case letters, digits, dots and dashes`,
  };
}

function repeatedNames(pairs: readonly Pair[]): string[] {
  const names = pairs.map(({ name }) => name).filter((name) => name !== '');
  const repeated = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  return [...repeated].map((name) => `"${name}" names more than one endpoint`);
}

function runtimeAt(socket: string, stateDirectory: string): NodeRuntime {
  return usualRuntimes.find((runtime) => runtime.socket === socket) ?? { socket, stateDirectory };
}

function buildNode(name: string, runtime: NodeRuntime): Node {
  return {
    name,
    labels: { 'kubernetes.io/hostname': name },
    taints: [],
    unschedulable: false,
    ready: true,
    readySince: new Date(0),
    containerRuntimeVersion: '',
    runtime,
  };
}
