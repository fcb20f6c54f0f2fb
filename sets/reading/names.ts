import { isImageId, parseReference, splitReference } from '../../contract/images/reference.ts';
import { ContentError } from './content-error.ts';

/** The names of an image in a report. */
export interface ReportedNames {
  /** References with digests. */
  readonly digests: readonly string[];
  /** References with tags. */
  readonly tags: readonly string[];
  /** The argument with which the scanner was called: a reference, or the path of a file. */
  readonly given: string | undefined;
  /** The ID of the image: the digest of its configuration. */
  readonly id: string | undefined;
}

/**
 * The names that identify the image best: its digests; else its tags, the given reference, or its ID. Throws a
 * {@link ContentError} if there is no name.
 */
export function chooseNames({ digests, tags, given, id }: ReportedNames): readonly string[] {
  const references = given === undefined || isFileName(given) ? [] : [withoutScheme(given)];
  const byDigest = [...digests, ...references].flatMap(digestReference);
  if (byDigest.length > 0) return [...new Set(byDigest)];
  const byTag = (tags.length > 0 ? tags : references).flatMap(tagReference);
  if (byTag.length > 0) return [...new Set(byTag)];
  if (id !== undefined && isImageId(id)) return [id];
  throw new ContentError(
    'the report names no image: scan an image of a registry by its reference, and not a directory or a file',
  );
}

function digestReference(text: string): readonly string[] {
  const reference = parseReference(text);
  return reference?.digest === undefined ? [] : [`${reference.repository}@${reference.digest}`];
}

function tagReference(text: string): readonly string[] {
  const reference = parseReference(text);
  return reference?.tag === undefined ? [] : [`${reference.repository}:${reference.tag}`];
}

/** True for the path of an archive or a directory, which could be read as a reference. */
function isFileName(given: string): boolean {
  return /^[./~]/.test(given) || /\.(?:tar|tgz|gz|zst|zip|sif|json)$/i.test(splitReference(given).repository);
}

/** Grype's users may write the source of an image in front of it, as in `docker:acme/web:1`. A host has a port behind the colon. */
function withoutScheme(given: string): string {
  return given.replace(/^(?:docker|podman|containerd|registry):(?=[^\d/][^/]*[:/])/, '');
}
