import { annotation, label, labelsOf, labelValue } from '../../contract/labels.ts';
import { parseReport, type Report } from '../../contract/report.ts';
import type { CleanerPod, Node } from '../objects.ts';
import type { CleanupPolicy } from '../policy/policy.ts';
import { jobName, podName, recordName } from '../run/names.ts';
import type { Run } from '../run/run.ts';
import type { NodeRuntime } from './node-runtime.ts';

/** What became of a cleaner pod. */
export type PodResult =
  /** Not finished. */
  | { readonly kind: 'Active' }
  /** The cleaner ended by itself and said what it did. */
  | { readonly kind: 'Reported'; readonly report: Report }
  /** The pod ended without a report: evicted, rejected, killed or crashed. */
  | { readonly kind: 'Lost'; readonly reason: string; readonly message: string };

/** What the cleaner pods of one scheduler have in common. */
export interface PodTemplate {
  readonly namespace: string;
  readonly image: string;
  readonly serviceAccountName: string;
  readonly logLevel: string;
}

const paths = { job: '/etc/nodesweep', state: '/var/lib/nodesweep', sockets: '/run/nodesweep' } as const;
/** What both `clean` and `plan` are told inside a pod. */
export const taskArguments = ['--job', `${paths.job}/job.json`, '--state', paths.state] as const;

/** What sets apart the pods that work on a node. */
export interface PodTask {
  readonly args: readonly string[];
  /** The name of the ConfigMap with the job. */
  readonly job: string;
  readonly activeDeadlineSeconds: number;
  readonly terminationGracePeriodSeconds: number;
  readonly tolerations: CleanupPolicy['nodes']['tolerations'];
}

/** The cleaner pod of a run on a node whose runtime is known. */
export function buildPod(
  run: Run,
  runUid: string,
  node: Node & { runtime: NodeRuntime },
  attempt: number,
  template: PodTemplate,
) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podName(run.name, node.name, attempt),
      namespace: template.namespace,
      labels: { ...labelsOf('cleaner', run.policy, run.name), [label.node]: labelValue(node.name) },
      annotations: { [annotation.node]: node.name, [annotation.attempt]: String(attempt) },
      ownerReferences: [
        { apiVersion: 'v1', kind: 'ConfigMap', name: recordName(run.name), uid: runUid, controller: true },
      ],
    },
    spec: buildPodSpec(node, template, {
      args: ['clean', ...taskArguments, '--report', '/dev/termination-log'],
      job: jobName(run.name),
      activeDeadlineSeconds: run.spec.activeDeadlineSeconds,
      // Long enough to finish the batch of removals in flight.
      terminationGracePeriodSeconds: 120,
      tolerations: run.spec.nodes.tolerations,
    }),
  };
}

/** A pod that works on a node through its runtime's socket, whatever it is told to do there. */
export function buildPodSpec(node: Node & { runtime: NodeRuntime }, template: PodTemplate, task: PodTask) {
  return {
    // Bound here, by name: the Kubernetes scheduler would not place a pod on a node that is full.
    nodeName: node.name,
    restartPolicy: 'Never',
    activeDeadlineSeconds: task.activeDeadlineSeconds,
    terminationGracePeriodSeconds: task.terminationGracePeriodSeconds,
    // The kubelet admits only critical pods while its node is under disk pressure, when they are needed most.
    priorityClassName: 'system-node-critical',
    tolerations: task.tolerations,
    serviceAccountName: template.serviceAccountName,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      // The runtime's socket belongs to root and nobody else may use it (mode 0660).
      runAsUser: 0,
      runAsGroup: 0,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [buildContainer(node, template, task.args)],
    volumes: [
      { name: 'job', configMap: { name: task.job } },
      { name: 'state', hostPath: { path: node.runtime.stateDirectory, type: 'DirectoryOrCreate' } },
      { name: 'socket', hostPath: { path: node.runtime.socket, type: 'Socket' } },
    ],
  };
}

/** Whether nothing of a pod is at work any more. A terminating pod is active until it has really ended. */
export function hasEnded({ phase }: CleanerPod): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** Tells what became of a pod. */
export function podResult(pod: CleanerPod): PodResult {
  if (!hasEnded(pod)) return { kind: 'Active' };
  const report = parseReport(pod.containerMessage ?? '');
  if (report !== undefined) return { kind: 'Reported', report };
  return { kind: 'Lost', reason: lossReason(pod), message: lossMessage(pod) };
}

function buildContainer(node: Node & { runtime: NodeRuntime }, template: PodTemplate, args: readonly string[]) {
  const socket = socketPath(node.runtime);
  return {
    name: 'cleaner',
    image: template.image,
    imagePullPolicy: 'IfNotPresent',
    args: [...args],
    env: [
      { name: 'NODE_NAME', value: node.name },
      { name: 'CONTAINER_RUNTIME_ENDPOINT', value: `unix://${socket}` },
      { name: 'LOG_LEVEL', value: template.logLevel },
      { name: 'NODESWEEP_IMAGE', value: template.image },
      { name: 'NODESWEEP_STATE_ON_NODE', value: node.runtime.stateDirectory },
      { name: 'POD_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
    ],
    resources: {
      // No CPU limit: a throttled cleaner only takes longer to free the disk. The memory limit is generous, since a kill
      // in the middle of a removal is worse.
      requests: { cpu: '10m', memory: '64Mi' },
      limits: { memory: '256Mi' },
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

/** Where the cleaner finds the socket: by the name of its file it tells Docker Engine's from those that speak CRI. */
function socketPath({ socket }: NodeRuntime): string {
  return `${paths.sockets}/${socket.endsWith('/docker.sock') ? 'docker.sock' : 'runtime.sock'}`;
}

/** Who ended the pod is told by its own reason; what ended the cleaner by that of its container. */
function lossReason({ reason, containerReason, deletionTimestamp }: CleanerPod): string {
  if (reason !== undefined) return reason;
  if (containerReason === 'OOMKilled') return 'OutOfMemory';
  return deletionTimestamp === undefined ? 'CleanerCrashed' : 'PodDeleted';
}

function lossMessage(pod: CleanerPod): string {
  const detail = pod.message ?? pod.containerMessage;
  const ending =
    pod.exitCode === undefined ? 'ended without a container status' : `ended with exit code ${pod.exitCode}`;
  const cause = pod.deletionTimestamp === undefined ? '' : 'was deleted, and ';
  return `pod ${pod.name} ${cause}${ending} and without a report${detail ? `: ${detail}` : ''}`;
}
