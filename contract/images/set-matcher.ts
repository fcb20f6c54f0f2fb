import { memoize } from '../memoize.ts';
import { compileGlobs } from './glob.ts';
import type { SetLine } from './image-set.ts';
import {
  isBareDigest,
  nameKeys,
  normaliseRepository,
  repositoryOf,
  splitReference,
  unqualifiedPaths,
  withoutRegistry,
} from './reference.ts';

/** An image by the ID and the normalised names that the runtime shows. */
type NamedImage = { readonly id: string; readonly names: readonly string[] };

/**
 * Returns the first entry of a set that names an image; undefined if none does. With `protects`, a name without a registry also
 * matches under every registry, as in `images.exclude`.
 */
export type SetMatcher = (image: NamedImage, protects?: boolean) => SetLine | undefined;

/**
 * Compiles the entries of a set. An image is in the set if an entry names its ID, its digest in any repository, or any of its
 * names. With a tag and a digest the digest decides, as for a runtime.
 *
 * Entries without wildcards are found by a map, because scanners write thousands of them.
 */
export function compileImageSet(entries: readonly SetLine[]): SetMatcher {
  const exact = new Map<string, SetLine>();
  const globs: LazyGlob[] = [];
  for (const entry of entries) {
    if (entry.image.includes('*')) globs.push(new LazyGlob(entry));
    else for (const key of keysOfEntry(entry.image)) if (!exact.has(key)) exact.set(key, entry);
  }
  // Several rules ask about the same image, again before each batch of removals, and a set may have thousands of globs.
  const globOf = memoize(
    (names: readonly string[]) => findGlob(globs, names),
    (names) => names.join('\n'),
  );
  return (image, protects = false) => {
    const keys = keysOfImage(image);
    const wanted = protects ? [...keys, ...keys.filter((key) => key.includes('/')).map(withoutRegistry)] : keys;
    return firstOf(wanted.map((key) => exact.get(key))) ?? globOf(image.names);
  };
}

function findGlob(globs: readonly LazyGlob[], names: readonly string[]): SetLine | undefined {
  const lowerCase = names.map((name) => name.toLowerCase());
  return globs.find((glob) => glob.matches(names, lowerCase))?.entry;
}

/** A glob that is compiled for the first name that it could match: most never are, and a set may have thousands. */
class LazyGlob {
  readonly entry: SetLine;
  /** The texts, in lower case, that a name must have so that the glob can match it. */
  readonly #pieces: readonly string[];
  #compiled: ((names: readonly string[]) => boolean) | undefined;

  constructor(entry: SetLine) {
    this.entry = entry;
    this.#pieces = piecesOf(entry.image);
  }

  matches(names: readonly string[], lowerCase: readonly string[]): boolean {
    if (!this.#couldMatch(lowerCase)) return false;
    this.#compiled ??= compileGlobs([this.entry.image]);
    return this.#compiled(names);
  }

  /** A glob without any text may match an image without a name. */
  #couldMatch(names: readonly string[]): boolean {
    if (this.#pieces.length === 0) return true;
    return names.some((name) => this.#pieces.every((piece) => name.includes(piece)));
  }
}

/** The texts between the wildcards of a glob, without its tag if it has a digest, and with `docker.io` for its alias. */
function piecesOf(glob: string): readonly string[] {
  const { repository, tag, digest } = splitReference(glob);
  const parts = [repository.replace(/^index\.docker\.io\//i, 'docker.io/'), digest ?? tag ?? ''];
  return parts.flatMap((part) => part.toLowerCase().split(/\*+/)).filter((piece) => piece !== '');
}

/** The keys of an entry without wildcards. One that begins with a slash is for a set that protects. */
function keysOfEntry(image: string): readonly string[] {
  if (isBareDigest(image)) return [withAlgorithm(image.toLowerCase())];
  const { repository, tag, digest } = splitReference(image);
  const rest = restOfKey(tag, digest?.toLowerCase());
  const full = `${normaliseRepository(repository).toLowerCase()}${rest}`;
  // Most lines of a scanner are keys by themselves: one of two equal texts is enough in memory.
  return [full === image ? image : full, ...unqualifiedPaths(repository).map((path) => `/${path}${rest}`)];
}

/** A repository alone is its key: it stands for all of its tags and digests. */
function restOfKey(tag: string | undefined, digest: string | undefined): string {
  if (digest !== undefined) return `@${digest}`;
  return tag === undefined ? '' : `:${tag}`;
}

function keysOfImage({ id, names }: NamedImage): readonly string[] {
  const keys = names.flatMap((name) => [...nameKeys(name), repositoryOf(name)]);
  return [...new Set([withAlgorithm(id), ...keys.map(lowerCaseOfHost)])];
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
