import { annotation, label, labelsOf, labelValue } from '../../../contract/labels.ts';
import { annotateReferences, jobSources } from '../../../scheduler/cleanup/node-references.ts';
import { buildPodSpec, type PodNode, taskArguments } from '../../../scheduler/cleanup/pod.ts';
import type { PolicyObject, RunPod } from '../../../scheduler/objects.ts';
import { markPod } from '../../../scheduler/pods/metadata.ts';
import type { NodeReferences, PodTemplate } from '../../../scheduler/pods/pod-template.ts';
import { hasEnded } from '../../../scheduler/pods/state.ts';

/** The fields in which plan pods differ. */
export interface PlanTask {
  readonly name: string;
  /** The names of the ConfigMaps with the job. */
  readonly jobMaps: readonly string[];
  readonly references: NodeReferences;
  /** The names of the image sets of the policy. */
  readonly sets: readonly string[];
  readonly timeoutSeconds: number;
}

/** A pod that makes a plan on a node and removes nothing. Its kind label differs, so the scheduler ignores it. */
export function buildPlanPod(
  { name, jobMaps, references, sets, timeoutSeconds }: PlanTask,
  policy: PolicyObject,
  node: PodNode,
  template: PodTemplate,
) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: template.namespace,
      ...markPod(
        {
          labels: { ...labelsOf('plan', policy.name, name), [label.node]: labelValue(node.name) },
          annotations: { [annotation.node]: node.name, ...annotateReferences(node.name, references) },
        },
        template,
      ),
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: policy.name, uid: policy.uid }],
    },
    spec: buildPodSpec(node, template, {
      args: ['plan', ...taskArguments, '--output', 'json'],
      jobSources: jobSources(jobMaps),
      sets,
      // Ends the pod if the command that waits for the plan is gone.
      activeDeadlineSeconds: timeoutSeconds,
      terminationGracePeriodSeconds: 1,
      tolerations: [{ operator: 'Exists' }],
    }),
  };
}

/** The progress of a plan pod. */
export type PlanProgress =
  | { readonly state: 'Waiting' }
  | { readonly state: 'Done' }
  | { readonly state: 'Failed'; readonly message: string };

/** Reasons of a waiting container that will never start. */
const hopeless =
  /^(?:ErrImagePull|ImagePullBackOff|ErrImageNeverPull|InvalidImageName|CreateContainer(?:Config)?Error)$/;

/** Returns the progress of a plan pod; undefined is a pod that was deleted. */
export function judgePlanPod(pod: RunPod | undefined): PlanProgress {
  if (pod === undefined) return { state: 'Failed', message: 'it was deleted' };
  const { phase, reason, message, containerReason, containerMessage, exitCode } = pod;
  // Injected containers may still run, or may have failed.
  if (exitCode === 0 || phase === 'Succeeded') return { state: 'Done' };
  if (hasEnded(pod)) {
    const end = exitCode === undefined ? undefined : `its container ended with exit code ${exitCode}`;
    return { state: 'Failed', message: describe(reason ?? containerReason, message ?? end) };
  }
  if (!hopeless.test(containerReason ?? '')) return { state: 'Waiting' };
  return { state: 'Failed', message: describe(containerReason, containerMessage) };
}

function describe(reason: string | undefined, message: string | undefined): string {
  return [reason, message].filter(Boolean).join(': ') || 'the cause is unknown';
}
