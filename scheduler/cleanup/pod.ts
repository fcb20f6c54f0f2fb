import { podMetadata } from '../pods/metadata.ts';
import { noPrivileges, noRequests, placePod } from '../pods/placement.ts';
import type { PlacedNode, PodOrder, PodTemplate } from '../pods/pod-template.ts';
import { priorityClassOf } from '../pods/priority.ts';
import type { Toleration } from '../pods/tolerations.ts';
import { namesOf } from '../sets/problems.ts';
import { asksRegistries } from './candidates.ts';
import { annotateReferences, jobSources } from './node-references.ts';
import type { NodeRuntime } from './node-runtime.ts';
import type { CleanupPolicy } from './policy.ts';
import { setNeeds } from './set-needs.ts';

/** A node that a cleaner's pod can be built for. */
export type PodNode = PlacedNode & { readonly runtime: NodeRuntime };

/** A node without a runtime that is known. */
export class UnknownRuntimeError extends Error {
  override readonly name = 'UnknownRuntimeError';
}

/** The name of the container that does the work; other containers may be injected beside it. */
export const cleanerContainer = 'cleaner';

const paths = {
  job: '/etc/nodesweep',
  sets: '/etc/nodesweep-sets',
  state: '/var/lib/nodesweep',
  sockets: '/run/nodesweep',
} as const;
/** The arguments of both `clean` and `plan` in a pod. */
export const taskArguments = ['--job', `${paths.job}/job.json`, '--state', paths.state] as const;

/** The settings in which pods for `clean` and `plan` differ. */
export interface PodTask {
  readonly args: readonly string[];
  /** The sources of the volume with the job. */
  readonly jobSources: readonly object[];
  /** The names of the image sets that the pod mounts. Default: none. */
  readonly sets?: readonly string[];
  readonly activeDeadlineSeconds: number;
  readonly terminationGracePeriodSeconds: number;
  readonly tolerations: readonly Toleration[];
}

/**
 * The cleaner pod of a run on a node. If the policy asks registries, and they were not asked about the node yet, the pod only
 * lists the images about which they are to be asked. Throws an {@link UnknownRuntimeError} or a
 * TooManyReferencesError.
 */
export function buildPod(order: PodOrder, node: PlacedNode, template: PodTemplate) {
  const { run, references, jobMaps } = order;
  const sets = namesOf(setNeeds(run.spec as CleanupPolicy)?.uses ?? []);
  const onlyLists = asksRegistries(run.spec) && references.pullVerdicts === undefined;
  const metadata = podMetadata('cleaner', order, node.name, template);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, ...annotateReferences(node.name, references) },
    },
    spec: buildPodSpec(withRuntime(node), onlyLists ? { ...template, logLevel: 'info' } : template, {
      args: ['clean', ...taskArguments, '--report', '/dev/termination-log', ...(onlyLists ? ['--candidates'] : [])],
      jobSources: jobSources(jobMaps, references),
      sets,
      activeDeadlineSeconds: run.spec.activeDeadlineSeconds,
      // Long enough to finish the current batch of removals.
      terminationGracePeriodSeconds: 120,
      tolerations: run.spec.nodes.tolerations,
    }),
  };
}

/** The node with its runtime. Throws an {@link UnknownRuntimeError}. */
export function withRuntime(node: PlacedNode): PodNode {
  const { runtime } = node;
  if (runtime === undefined) throw new UnknownRuntimeError(`node ${node.name} has no known runtime socket`);
  return { ...node, runtime };
}

/** The spec of a pod that uses the socket of a node's runtime. */
export function buildPodSpec(node: PodNode, template: PodTemplate, task: PodTask) {
  const { activeDeadlineSeconds, terminationGracePeriodSeconds, tolerations, sets = [] } = task;
  const priorityClassName = priorityClassOf(node, template.priorityClassName);
  const place = {
    node: node.name,
    priorityClassName,
    activeDeadlineSeconds,
    terminationGracePeriodSeconds,
    tolerations,
  };
  return {
    ...placePod(place, template),
    securityContext: {
      // The socket of the runtime belongs to root, and only root may use it (mode 0660).
      runAsUser: 0,
      runAsGroup: 0,
      seccompProfile: { type: 'RuntimeDefault' },
      ...(template.seLinuxType ? { seLinuxOptions: { type: template.seLinuxType } } : {}),
    },
    containers: [buildContainer(node, template, { args: task.args, sets })],
    volumes: [
      { name: 'job', projected: { sources: task.jobSources } },
      { name: 'state', hostPath: { path: node.runtime.stateDirectory, type: 'DirectoryOrCreate' } },
      { name: 'socket', hostPath: { path: node.runtime.socket, type: 'Socket' } },
      ...sets.map(setVolume),
    ],
  };
}

/** A missing set must not keep the pod from starting: the cleaner reports it, and removes nothing that the set could protect. */
function setVolume(name: string, index: number) {
  return { name: setVolumeName(index), configMap: { name, optional: true } };
}

/** A set may have a longer name than a volume. */
function setVolumeName(index: number): string {
  return `set-${index}`;
}

function buildContainer(
  node: PodNode,
  template: PodTemplate,
  { args, sets }: { readonly args: readonly string[]; readonly sets: readonly string[] },
) {
  const socket = socketPath(node.runtime);
  return {
    name: cleanerContainer,
    image: template.image,
    imagePullPolicy: 'IfNotPresent',
    args: [...args, ...(sets.length === 0 ? [] : ['--sets', paths.sets])],
    env: [
      { name: 'NODE_NAME', value: node.name },
      { name: 'CONTAINER_RUNTIME_ENDPOINT', value: `unix://${socket}` },
      { name: 'LOG_LEVEL', value: template.logLevel },
      ...(template.runtimeTimeoutSeconds === undefined
        ? []
        : [{ name: 'NODESWEEP_RUNTIME_TIMEOUT_SECONDS', value: String(template.runtimeTimeoutSeconds) }]),
      { name: 'NODESWEEP_IMAGE', value: template.image },
      { name: 'NODESWEEP_STATE_ON_NODE', value: node.runtime.stateDirectory },
      { name: 'POD_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
    ],
    resources: {
      // There is no CPU limit, because a throttled cleaner only takes longer to free the disk. The memory limit is generous,
      // because the end of the cleaner during a removal is worse.
      requests: { ...noRequests, ...template.requests },
      limits: { memory: '256Mi', ...template.limits },
    },
    securityContext: noPrivileges,
    volumeMounts: [
      { name: 'job', mountPath: paths.job, readOnly: true },
      { name: 'state', mountPath: paths.state },
      { name: 'socket', mountPath: socket },
      ...sets.map((name, index) => ({
        name: setVolumeName(index),
        mountPath: `${paths.sets}/${name}`,
        readOnly: true,
      })),
    ],
  };
}

/** The path of the socket in the pod. By the name of the file the cleaner recognises Docker Engine. */
function socketPath({ socket }: NodeRuntime): string {
  return `${paths.sockets}/${socket.endsWith('/docker.sock') ? 'docker.sock' : 'runtime.sock'}`;
}
