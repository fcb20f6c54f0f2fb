import { isImageId, parseReference, splitReference } from '../../../contract/images/reference.ts';

/** The advice for a list without images. */
export const toKeepNothing =
  'if nobody wants the images of a list any more, remove the list, or delete the policy; to remove all images of the policy once, set the annotation nodesweep.io/purge-at; to keep them and pull nothing, set suspend: true';

/** Returns the reason why a text can't be an image of a list; undefined if a kubelet accepts it. */
export function referenceProblem(text: string): string | undefined {
  if (text.trim() === '') return `is empty; ${toKeepNothing}`;
  if (/\s/.test(text)) return 'must not contain spaces';
  if (/[*?]/.test(text)) return 'is a glob; name each image, because a kubelet pulls only full references';
  if (isImageId(text)) return 'is the ID of an image, which no registry knows; write its name, or its name@sha256:…';
  if (/^[a-z][a-z+-]*:\/\//i.test(text)) return `has a scheme; write ${text.replace(/^.*?:\/\//, '')}`;
  const { repository, digest } = splitReference(text);
  return (
    upperCaseProblem(repository) ??
    (digest === undefined ? undefined : digestProblem(digest)) ??
    (parseReference(text) === undefined ? malformed : undefined)
  );
}

const malformed =
  'is not an image reference; write registry.example.com/path:tag or registry.example.com/path@sha256:…, with lower-case letters, digits, and single . _ or - between them';

function upperCaseProblem(repository: string): string | undefined {
  const lower = repository.toLowerCase();
  return repository === lower ? undefined : `has upper-case letters before the tag; write ${lower}`;
}

/** The algorithms that kubelets know, with the number of hexadecimal digits (github.com/opencontainers/go-digest). */
const digestLengths: ReadonlyMap<string, number> = new Map([
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
]);

function digestProblem(digest: string): string | undefined {
  const [algorithm = '', hex = ''] = digest.split(':', 2);
  const length = digestLengths.get(algorithm);
  if (length === undefined) return `has the digest ${digest}; write sha256: and 64 hexadecimal digits`;
  if (digest === `${algorithm}:${hex}` && hex.length === length && /^[0-9a-f]+$/.test(hex)) return undefined;
  return `has a malformed digest; write ${algorithm}: and ${length} digits of 0-9 and a-f`;
}
