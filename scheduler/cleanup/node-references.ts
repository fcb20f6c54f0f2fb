import { annotation } from '../../contract/labels.ts';
import { boundReferencesFile, packReferences } from '../../contract/packed-references.ts';

/** The references of one node that don't fit into its pod. */
export class TooManyReferencesError extends Error {
  override readonly name = 'TooManyReferencesError';
}

/** All annotations of an object may have 256 KiB together; the rest is left for those that others add. */
const maxPackedLength = 200_000;

/** The annotation by which a pod brings the references of its node. Throws a {@link TooManyReferencesError}: none is left out. */
export function annotateReferences(node: string, references: readonly string[]) {
  const packed = packReferences(references).toString('base64');
  if (packed.length <= maxPackedLength) return { [annotation.boundReferences]: packed };
  throw new TooManyReferencesError(
    `the pods bound to node ${node} name ${references.length} different images, and these don't fit into the annotations of a pod (${packed.length} of ${maxPackedLength} bytes): nothing is removed there`,
  );
}

/** The sources of a pod's job: what all cleaners of a run are told, and beside it the references of this node. */
export function jobSources(jobMaps: readonly string[]) {
  const fieldRef = { fieldPath: `metadata.annotations['${annotation.boundReferences}']` };
  return [
    ...jobMaps.map((name) => ({ configMap: { name } })),
    { downwardAPI: { items: [{ path: boundReferencesFile, fieldRef }] } },
  ];
}
