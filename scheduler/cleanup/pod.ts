import { annotation, label, labelsOf, labelValue } from '../../contract/labels.ts';
import { notInjectedAnnotations, notInjectedLabels } from '../pods/injection.ts';
import type { PlacedNode, PodOrder, PodTemplate } from '../pods/pod-template.ts';
import { priorityClassOf } from '../pods/priority.ts';
import type { Toleration } from '../pods/tolerations.ts';
import { podName, recordName } from '../run/names.ts';
import { annotateReferences, jobSources } from './node-references.ts';
import type { NodeRuntime } from './node-runtime.ts';

/** A node that a cleaner's pod can be built for. */
export type PodNode = PlacedNode & { readonly runtime: NodeRuntime };

/** A node without a runtime that is known. */
export class UnknownRuntimeError extends Error {
  override readonly name = 'UnknownRuntimeError';
}

/** The name of the container that does the work; other containers may be injected beside it. */
export const cleanerContainer = 'cleaner';

const paths = { job: '/etc/nodesweep', state: '/var/lib/nodesweep', sockets: '/run/nodesweep' } as const;
/** The arguments of both `clean` and `plan` in a pod. */
export const taskArguments = ['--job', `${paths.job}/job.json`, '--state', paths.state] as const;

/** The settings in which pods for `clean` and `plan` differ. */
export interface PodTask {
  readonly args: readonly string[];
  /** The names of the ConfigMaps with the job. */
  readonly jobMaps: readonly string[];
  readonly activeDeadlineSeconds: number;
  readonly terminationGracePeriodSeconds: number;
  readonly tolerations: readonly Toleration[];
}

/** The cleaner pod of a run on a node. Throws an {@link UnknownRuntimeError} or a TooManyReferencesError. */
export function buildPod(order: PodOrder, node: PlacedNode, template: PodTemplate) {
  const { run, runUid, attempt, references, jobMaps } = order;
  const labels = { ...labelsOf('cleaner', run.policy, run.name), [label.node]: labelValue(node.name) };
  const annotations = {
    [annotation.node]: node.name,
    [annotation.attempt]: String(attempt),
    ...annotateReferences(node.name, references),
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podName(run.name, node.name, attempt),
      namespace: template.namespace,
      ...markPod({ labels, annotations }, template),
      ownerReferences: [
        { apiVersion: 'v1', kind: 'ConfigMap', name: recordName(run.name), uid: runUid, controller: true },
      ],
    },
    spec: buildPodSpec(withRuntime(node), template, {
      args: ['clean', ...taskArguments, '--report', '/dev/termination-log'],
      jobMaps,
      activeDeadlineSeconds: run.spec.activeDeadlineSeconds,
      // Long enough to finish the current batch of removals.
      terminationGracePeriodSeconds: 120,
      tolerations: run.spec.nodes.tolerations,
    }),
  };
}

function withRuntime(node: PlacedNode): PodNode {
  const { runtime } = node;
  if (runtime === undefined) throw new UnknownRuntimeError(`node ${node.name} has no known runtime socket`);
  return { ...node, runtime };
}

/** Labels and annotations of a pod that works on a node: its own outrank those that all such pods have, and the settings. */
export function markPod(
  own: { readonly labels: Readonly<Record<string, string>>; readonly annotations: Readonly<Record<string, string>> },
  template: PodTemplate,
) {
  return {
    labels: { ...template.labels, ...notInjectedLabels, ...own.labels },
    annotations: { ...notInjectedAnnotations, ...evictable, ...template.annotations, ...own.annotations },
  };
}

/**
 * The Cluster Autoscaler removes no node with a pod that has a hostPath, or whose owner is of a kind that it does not know,
 * unless the pod has this annotation (its FAQ, "What types of pods can prevent CA from removing a node?").
 */
const evictable = { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' } as const;

/** The spec of a pod that uses the socket of a node's runtime. */
export function buildPodSpec(node: PodNode, template: PodTemplate, task: PodTask) {
  const priorityClassName = priorityClassOf(node, template.priorityClassName);
  const { imagePullSecrets = [] } = template;
  return {
    // Binds the pod directly, because kube-scheduler would not place a pod on a full node.
    nodeName: node.name,
    restartPolicy: 'Never',
    activeDeadlineSeconds: task.activeDeadlineSeconds,
    terminationGracePeriodSeconds: task.terminationGracePeriodSeconds,
    ...(priorityClassName === '' ? {} : { priorityClassName }),
    ...(imagePullSecrets.length === 0 ? {} : { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
    tolerations: [...task.tolerations, ...(template.tolerations ?? [])],
    serviceAccountName: template.serviceAccountName,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      // The socket of the runtime belongs to root, and only root may use it (mode 0660).
      runAsUser: 0,
      runAsGroup: 0,
      seccompProfile: { type: 'RuntimeDefault' },
      ...(template.seLinuxType ? { seLinuxOptions: { type: template.seLinuxType } } : {}),
    },
    containers: [buildContainer(node, template, task.args)],
    volumes: [
      { name: 'job', projected: { sources: jobSources(task.jobMaps) } },
      { name: 'state', hostPath: { path: node.runtime.stateDirectory, type: 'DirectoryOrCreate' } },
      { name: 'socket', hostPath: { path: node.runtime.socket, type: 'Socket' } },
    ],
  };
}

function buildContainer(node: PodNode, template: PodTemplate, args: readonly string[]) {
  const socket = socketPath(node.runtime);
  return {
    name: cleanerContainer,
    image: template.image,
    imagePullPolicy: 'IfNotPresent',
    args: [...args],
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
      // A full node takes a pod without requests. They are explicit zeros, because the API server sets a missing request to
      // the limit, or to the default of a LimitRange. There is no CPU limit, because a throttled cleaner only takes longer to
      // free the disk. The memory limit is generous, because the end of the cleaner during a removal is worse.
      requests: { cpu: '0', memory: '0', ...template.requests },
      limits: { memory: '256Mi', ...template.limits },
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'job', mountPath: paths.job, readOnly: true },
      { name: 'state', mountPath: paths.state },
      { name: 'socket', mountPath: socket },
    ],
  };
}

/** The path of the socket in the pod. By the name of the file the cleaner recognises Docker Engine. */
function socketPath({ socket }: NodeRuntime): string {
  return `${paths.sockets}/${socket.endsWith('/docker.sock') ? 'docker.sock' : 'runtime.sock'}`;
}
