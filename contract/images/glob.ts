import * as z from 'zod';
import {
  isDigest,
  isExplicitHost,
  isImageId,
  isTag,
  normaliseRepository,
  parseReference,
  type Reference,
  splitReference,
  unqualifiedPaths,
  withoutRegistry,
} from './reference.ts';
import { compileWildcards } from './wildcard.ts';

/** A glob over full references, as written in a policy. Rejects a glob that can never match an image. */
export const globSchema = z.string().superRefine((glob, context) => {
  const problem = findGlobProblem(glob);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

/**
 * Compiles globs to a function that returns true if any of an image's normalised names matches any of them. Only `**`
 * matches an image without a name. A glob without wildcards is normalised like a reference; without tag and digest it
 * matches all of them. If a glob has a digest, its tag is ignored, as runtimes do.
 */
export function compileGlobs(globs: readonly string[]): (names: readonly string[]) => boolean {
  if (globs.includes('**')) return () => true;
  const matchers = globs.map(compileGlob);
  const matchesAny = (name: Reference) => matchers.some((matches) => matches(name));
  return (names) => names.some((name) => matchesAny(splitReference(name)));
}

/**
 * Compiles globs that protect. They match like {@link compileGlobs}. In addition, a glob without a registry matches its
 * path under every registry, because a runtime may have found the image in any of them.
 */
export function compileProtection(globs: readonly string[]): (names: readonly string[]) => boolean {
  const matches = compileGlobs(globs);
  const unqualified = globs.filter((glob) => !glob.includes('*')).flatMap(compileUnqualified);
  if (unqualified.length === 0) return matches;
  return (names) =>
    matches(names) || names.some((name) => unqualified.some((isMatch) => isMatch(splitReference(name))));
}

function compileUnqualified(glob: string): readonly ((name: Reference) => boolean)[] {
  const { repository, ...rest } = splitReference(glob);
  const paths = unqualifiedPaths(repository).map((path) => `/${path}`);
  const matchesPath = (full: string) => paths.includes(withoutRegistry(full));
  return paths.length === 0 ? [] : [compileParts(matchesPath, rest)];
}

function compileGlob(glob: string): (name: Reference) => boolean {
  const { repository, ...rest } = splitReference(glob);
  return compileParts(compileWildcards(fillInRepository(glob, repository).toLowerCase()), rest);
}

function compileParts(
  matchesRepository: (repository: string) => boolean,
  { tag, digest }: Omit<Reference, 'repository'>,
): (name: Reference) => boolean {
  const matchesTag = tag === undefined || digest !== undefined ? undefined : compileWildcards(tag);
  const matchesDigest = digest === undefined ? undefined : compileWildcards(digest.toLowerCase());
  return (name) => {
    if (matchesTag !== undefined && (name.tag === undefined || !matchesTag(name.tag))) return false;
    if (matchesDigest !== undefined && (name.digest === undefined || !matchesDigest(name.digest.toLowerCase())))
      return false;
    // The case of a host does not matter, and paths are lower case.
    return matchesRepository(name.repository.toLowerCase());
  };
}

function fillInRepository(glob: string, repository: string): string {
  return glob.includes('*')
    ? repository.replace(/^index\.docker\.io\//i, 'docker.io/')
    : normaliseRepository(repository);
}

/** The problem of a glob that can never match an image, in words that follow the glob; undefined if it has none. */
export function findGlobProblem(glob: string): string | undefined {
  if (glob === '') return 'must not be empty; write ** for every image';
  if (/\s/.test(glob)) return 'must not contain spaces';
  if (isImageId(glob)) return 'is the ID of an image; write its name, or its digest as **@sha256:…';
  const { repository, tag, digest } = splitReference(glob);
  return (
    findRepositoryProblem(glob, repository) ??
    (tag === undefined ? undefined : findTagProblem(tag)) ??
    (digest === undefined ? undefined : findDigestProblem(digest))
  );
}

function findRepositoryProblem(glob: string, repository: string): string | undefined {
  if (repository === '') return `has no repository: write **${glob}`;
  const segments = fillInRepository(glob, repository).split('/');
  if (segments.includes('')) return 'has an empty path segment: write a single / between segments, and no scheme';
  return (
    (glob.includes('*') ? findPlaceProblem(glob, repository.split('/')) : undefined) ??
    findHostProblem(segments[0] ?? '') ??
    segments.slice(1).map(findSegmentProblem).find(Boolean)
  );
}

/**
 * Finds the problem of a glob with wildcards that lacks a registry or `library/`. Such a glob is not completed, so it
 * needs them, or a wildcard in their place.
 */
function findPlaceProblem(glob: string, [first = '', ...path]: readonly string[]): string | undefined {
  if (first.includes('**')) return undefined;
  if (path.length === 0) {
    const example = first.includes('*') ? '' : ` or **/${glob}`;
    return `can't match: a full reference starts with a registry; write docker.io/library/${glob}${example}`;
  }
  if (first.includes('*')) return undefined;
  if (!isExplicitHost(first)) return `can't match: ${first} is not a registry; write docker.io/${glob} or **/${glob}`;
  if (!/^(?:index\.)?docker\.io$/i.test(first) || path.length > 1 || path[0]?.includes('**')) return undefined;
  return `can't match: write docker.io/library/${glob.slice(first.length + 1)}, or docker.io/** for every repository`;
}

function findHostProblem(segment: string): string | undefined {
  const [name = '', ...port] = segment.split(':');
  const example = segment.includes('*') ? [fillWildcards(name), ...port.map((text) => text.replaceAll('*', '1'))] : [];
  const isHost = parseReference(`${segment.includes('*') ? example.join(':') : segment}/a`)?.repository.endsWith('/a');
  // `**` may stand for the registry and more, so what follows it is part of a path.
  const isValid = isHost || (segment.includes('**') && findSegmentProblem(segment) === undefined);
  return isValid ? undefined : `can't match: ${segment} is not a registry; write a host like registry.example.com:5000`;
}

function findSegmentProblem(segment: string): string | undefined {
  if (/[A-Z]/.test(segment)) return `can't match: repositories are lower case; write ${segment.toLowerCase()}`;
  const isValid = segment.includes('*')
    ? parseReference(`localhost/${fillWildcards(segment)}`) !== undefined && !/[:@]/.test(segment)
    : parseReference(`localhost/${segment}`) !== undefined;
  if (isValid) return undefined;
  return `can't match: ${segment} is not part of a repository; write a-z, 0-9, single . _ or - between them, and * or **`;
}

/** Replaces each wildcard by a letter, which gives the shortest valid text if there is one. */
function fillWildcards(text: string): string {
  return text.replace(/\*+/g, 'a');
}

function findTagProblem(tag: string): string | undefined {
  const isValid = isTag(tag.includes('*') ? tag.replace(/\*+/g, /^\*/.test(tag) ? 'a' : '') : tag);
  if (isValid) return undefined;
  return `can't match: ${tag === '' ? 'an empty text' : tag} is not a tag; write at most 128 of A-Z, a-z, 0-9, _ . - and *, or leave it out with its colon`;
}

function findDigestProblem(digest: string): string | undefined {
  const literal = digest.replaceAll('*', '');
  const isTooLong = /^sha256:/.test(digest) && literal.length > 'sha256:'.length + 64;
  const isShort = /^sha256:[^*]*$/.test(digest) && literal.length !== 'sha256:'.length + 64;
  const isShaped = digest.includes('*') ? /^[A-Za-z*][\w.+*-]*(?::[0-9a-fA-F*]*)?$/.test(digest) : isDigest(digest);
  const isValid = isShaped && !isTooLong && !isShort;
  return isValid ? undefined : "can't match: malformed digest; write sha256: and 64 hexadecimal digits, or *";
}
