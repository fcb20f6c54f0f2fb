import { compileGlobs, compileProtection } from './glob.ts';
import type { SetLine } from './image-set.ts';
import { isBareDigest, nameKeys, normaliseRepository, splitReference, unqualifiedPaths } from './reference.ts';

/** An image by the ID and the normalised names that the runtime shows. */
type NamedImage = { readonly id: string; readonly names: readonly string[] };

/** Returns the first entry of a set that names an image; undefined if none does. */
export type SetMatcher = (image: NamedImage) => SetLine | undefined;

/**
 * Compiles the entries of a set. An image is in the set if an entry names its ID, its digest in any repository, or any of its
 * names. With a tag and a digest the digest decides, as for a runtime. A set that `protects` also matches a name without a
 * registry under every registry, as `images.exclude` does.
 *
 * Exact names are found by a map, because scanners write thousands of them.
 */
export function compileImageSet(entries: readonly SetLine[], protects = false): SetMatcher {
  const exact = new Map<string, SetLine>();
  const globs: (readonly [SetLine, (names: readonly string[]) => boolean])[] = [];
  const compile = protects ? compileProtection : compileGlobs;
  for (const entry of entries) {
    const key = exactKey(entry.image);
    if (key !== undefined && !exact.has(key)) exact.set(key, entry);
    if (key === undefined || (protects && isUnqualified(entry.image)))
      globs.push([entry, compile([entry.image])] as const);
  }
  return (image) =>
    firstOf([...keysOf(image)].map((key) => exact.get(key))) ?? globs.find(([, matches]) => matches(image.names))?.[0];
}

/** The key of an entry that names one image exactly; undefined for a glob, and for a repository with all its tags. */
function exactKey(image: string): string | undefined {
  if (isBareDigest(image)) return withAlgorithm(image.toLowerCase());
  const { repository, tag, digest } = splitReference(image);
  if (image.includes('*') || (tag === undefined && digest === undefined)) return undefined;
  const full = normaliseRepository(repository).toLowerCase();
  return digest === undefined ? `${full}:${tag}` : `${full}@${digest.toLowerCase()}`;
}

function isUnqualified(image: string): boolean {
  return !isBareDigest(image) && unqualifiedPaths(splitReference(image).repository).length > 0;
}

function keysOf({ id, names }: NamedImage): readonly string[] {
  return [withAlgorithm(id), ...names.flatMap(nameKeys).map(lowerCaseOfHost)];
}

/** CRI-O shows IDs without `sha256:`. */
function withAlgorithm(digest: string): string {
  return digest.includes(':') ? digest : `sha256:${digest}`;
}

/** The case of a host does not matter; that of a tag does. */
function lowerCaseOfHost(key: string): string {
  const slash = key.indexOf('/');
  return slash === -1 ? key : `${key.slice(0, slash).toLowerCase()}${key.slice(slash)}`;
}

function firstOf(entries: readonly (SetLine | undefined)[]): SetLine | undefined {
  const found = entries.filter((entry) => entry !== undefined);
  return found.length < 2 ? found[0] : found.reduce((first, entry) => (entry.line < first.line ? entry : first));
}
