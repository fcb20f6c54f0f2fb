import { annotation } from '../../contract/labels.ts';
import {
  boundReferencesFile,
  packReferences,
  prepulledReferencesFile,
  removeReferencesFile,
} from '../../contract/packed-references.ts';
import { type PullVerdicts, packVerdicts, pullVerdictsFile } from '../../contract/pull-verdicts.ts';
import type { NodeReferences } from '../pods/pod-template.ts';

/** The references of a node do not fit into its pod. */
export class TooManyReferencesError extends Error {
  override readonly name = 'TooManyReferencesError';
}

/** Maximum size of the annotations. All annotations of an object have at most 256 KiB, and others may add some. */
const maxPackedLength = 200_000;

/** The annotations of a pod with the references of its node. Throws a {@link TooManyReferencesError} if not all fit. */
export function annotateReferences(node: string, { bound, prepulled, due, pullVerdicts }: NodeReferences) {
  const annotations = {
    [annotation.boundReferences]: packReferences(bound).toString('base64'),
    [annotation.prepulledReferences]: packReferences(prepulled).toString('base64'),
    ...(due && { [annotation.removeReferences]: packReferences(due).toString('base64') }),
  };
  const length = Object.values(annotations).join('').length;
  if (length <= maxPackedLength) return { ...annotations, ...annotateVerdicts(pullVerdicts, maxPackedLength - length) };
  throw new TooManyReferencesError(
    `the pods bound to node ${node} name ${bound.length} different images, and image lists want ${prepulled.length} there; these don't fit into the annotations of a pod (${length} of ${maxPackedLength} bytes): nothing is removed there`,
  );
}

/** The annotation with the answers of registries. Those that do not fit are left out, so that the cleaner keeps more. */
function annotateVerdicts(verdicts: PullVerdicts | undefined, maxLength: number): Record<string, string> {
  if (verdicts === undefined) return {};
  const packed = packVerdicts(verdicts);
  if (packed.length <= maxLength) return { [annotation.pullVerdicts]: packed };
  const half = Math.floor(verdicts.pullable.length / 2);
  const note = 'the answers of registries about the images of the node do not fit into the annotations of its pod';
  const fewer = { pullable: verdicts.pullable.slice(0, half), absent: [], unanswered: {}, note };
  if (half > 0) return annotateVerdicts(fewer, maxLength);
  const none = packVerdicts({ ...fewer, pullable: [] });
  return { [annotation.pullVerdicts]: none };
}

/** The sources of a pod's job: the ConfigMaps of the run, and the references of the node. */
export function jobSources(jobMaps: readonly string[], { pullVerdicts }: Pick<NodeReferences, 'pullVerdicts'> = {}) {
  const verdicts = pullVerdicts === undefined ? [] : [fileOf(pullVerdictsFile, annotation.pullVerdicts)];
  return [
    ...jobMaps.map((name) => ({ configMap: { name } })),
    { downwardAPI: { items: [...keptFiles(), ...verdicts] } },
  ];
}

/** The sources of the job of a pod that removes only named images. The annotations of the pod have all that it needs. */
export const removalSources: readonly object[] = [
  {
    downwardAPI: {
      items: [
        fileOf('job.json', annotation.job),
        ...keptFiles(),
        fileOf(removeReferencesFile, annotation.removeReferences),
      ],
    },
  },
];

function keptFiles() {
  return [
    fileOf(boundReferencesFile, annotation.boundReferences),
    fileOf(prepulledReferencesFile, annotation.prepulledReferences),
  ];
}

/** A file with the value of an annotation of the pod. */
function fileOf(path: string, key: string) {
  return { path, fieldRef: { fieldPath: `metadata.annotations['${key}']` } };
}
