import { annotation } from '../../contract/labels.ts';
import { boundReferencesFile, packReferences } from '../../contract/packed-references.ts';

/** The references of a node do not fit into its pod. */
export class TooManyReferencesError extends Error {
  override readonly name = 'TooManyReferencesError';
}

/** Maximum size of the annotation. All annotations of an object have at most 256 KiB, and others may add some. */
const maxPackedLength = 200_000;

/** The annotation of a pod with the references of its node. Throws a {@link TooManyReferencesError} if not all fit. */
export function annotateReferences(node: string, references: readonly string[]) {
  const packed = packReferences(references).toString('base64');
  if (packed.length <= maxPackedLength) return { [annotation.boundReferences]: packed };
  throw new TooManyReferencesError(
    `the pods bound to node ${node} name ${references.length} different images, and these don't fit into the annotations of a pod (${packed.length} of ${maxPackedLength} bytes): nothing is removed there`,
  );
}

/** The sources of a pod's job: the ConfigMaps of the run, and the references of the node. */
export function jobSources(jobMaps: readonly string[]) {
  const fieldRef = { fieldPath: `metadata.annotations['${annotation.boundReferences}']` };
  return [
    ...jobMaps.map((name) => ({ configMap: { name } })),
    { downwardAPI: { items: [{ path: boundReferencesFile, fieldRef }] } },
  ];
}
