import type { JobDocument } from '../../../contract/job.ts';
import { annotation } from '../../../contract/labels.ts';
import { boundReferencesFile } from '../../../contract/packed-references.ts';
import { annotateReferences, removalSources } from '../../cleanup/node-references.ts';
import { buildPodSpec, taskArguments, withRuntime } from '../../cleanup/pod.ts';
import type { Node } from '../../objects.ts';
import { podMetadata } from '../../pods/metadata.ts';
import type { PodOrder, PodTemplate } from '../../pods/pod-template.ts';
import type { Run } from '../../run/run.ts';

/**
 * The cleaner that removes images which no list wants on a node any more. All that it needs comes with the pod, so a run that
 * removes nothing needs no job. Throws an UnknownRuntimeError or a TooManyReferencesError.
 */
export function buildRemover(order: PodOrder, node: Node, template: PodTemplate) {
  const { run, references } = order;
  const metadata = podMetadata('cleaner', order, node.name, template);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      annotations: {
        ...metadata.annotations,
        ...annotateReferences(node.name, { ...references, due: references.due ?? [] }),
        [annotation.job]: JSON.stringify(removalJob(run)),
      },
    },
    spec: buildPodSpec(withRuntime(node), template, {
      args: ['clean', ...taskArguments, '--report', '/dev/termination-log'],
      jobSources: removalSources,
      activeDeadlineSeconds: run.spec.activeDeadlineSeconds,
      // Long enough to finish the current batch of removals.
      terminationGracePeriodSeconds: 120,
      tolerations: run.spec.nodes.tolerations,
    }),
  };
}

/** The job names no images: those of the node are in a file beside it, and without that file the job fails. */
function removalJob({ policy, name, spec }: Run): JobDocument {
  return {
    version: 1,
    policy,
    run: name,
    activeDeadlineSeconds: spec.activeDeadlineSeconds,
    removeReferences: [],
    referenceFiles: { startingReferences: [boundReferencesFile] },
  };
}
