import { annotation, label, labelsOf, labelValue } from '../../contract/labels.ts';
import type { PodKind } from '../objects.ts';
import { podName, recordName } from '../run/names.ts';
import { notInjectedAnnotations, notInjectedLabels } from './injection.ts';
import type { PodOrder, PodTemplate } from './pod-template.ts';

/** The metadata of a pod of a run on a node. The record of the run owns the pod. */
export function podMetadata(kind: PodKind, { run, runUid, attempt }: PodOrder, node: string, template: PodTemplate) {
  const labels = { ...labelsOf(kind, run.policy, run.name), [label.node]: labelValue(node) };
  const annotations = { [annotation.node]: node, [annotation.attempt]: String(attempt) };
  return {
    name: podName(run.name, node, attempt),
    namespace: template.namespace,
    ...markPod({ labels, annotations }, template),
    ownerReferences: [
      { apiVersion: 'v1', kind: 'ConfigMap', name: recordName(run.name), uid: runUid, controller: true },
    ],
  };
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
