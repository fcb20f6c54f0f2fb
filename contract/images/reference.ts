/** The parts of an image reference after normalising: `repository` starts with a registry host. */
export type Reference = {
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
};

const host =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
const pathSegment = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
const imageId = /^(?:sha256:)?[0-9a-f]{64}$/;
const bareDigest = /^(?:(?:sha256:)?[0-9a-f]{64}|sha512:[0-9a-f]{128})$/i;
const maxRepositoryLength = 255;

/**
 * Parses and normalises a reference by the rules of github.com/distribution/reference: `nginx` is
 * `docker.io/library/nginx:latest`, and `host:5000/a` has a host. A reference may have a tag and a digest; `latest` is
 * added only if it has neither. Returns undefined for a text that is not a reference, such as `<none>` or an image ID.
 */
export function parseReference(text: string): Reference | undefined {
  if (imageId.test(text)) return undefined;
  const { repository, tag, digest } = splitReference(text);
  const fullRepository = normaliseRepository(repository);
  if (!isRepository(fullRepository)) return undefined;
  if (tag !== undefined && !isTag(tag)) return undefined;
  if (digest !== undefined && !isDigest(digest)) return undefined;
  if (digest !== undefined) return { repository: fullRepository, ...(tag !== undefined && { tag }), digest };
  return { repository: fullRepository, tag: tag ?? 'latest' };
}

/** Writes a reference in full: the inverse of {@link parseReference}. */
export function formatReference({ repository, tag, digest }: Reference): string {
  return `${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** The normalised names in the lists of tags and digests of a runtime, without placeholders such as `<none>:<none>`. */
export function normaliseNames(texts: readonly string[]): readonly string[] {
  const names = texts.filter((text) => text.trim() !== '' && !text.includes('<none>')).map(normaliseName);
  return [...new Set(names)];
}

/**
 * Keys by which different references to one image are compared: its ID (with or without `sha256:`), its digest in any
 * repository, and each of its full names. A text that can't be parsed is its own key.
 */
export function referenceKeys(text: string): readonly string[] {
  const bare = withoutScheme(text);
  if (isImageId(bare)) return [bare.startsWith('sha256:') ? bare : `sha256:${bare}`];
  const reference = parseReference(bare);
  if (reference === undefined) return [bare];
  return formatKeys(reference);
}

/**
 * The keys of a reference without a registry, which are valid for every registry: a runtime may find `team/report:1` in any
 * of its unqualified-search registries, or as `localhost/team/report:1` (containers-registries.conf). Empty for a
 * reference with a registry, and for one that only has a digest, which is the same everywhere.
 */
export function unqualifiedKeys(text: string): readonly string[] {
  const bare = withoutScheme(text);
  const { repository, tag, digest } = splitReference(bare);
  const wanted = tag ?? (digest === undefined ? 'latest' : undefined);
  if (wanted === undefined || parseReference(bare) === undefined) return [];
  return unqualifiedPaths(repository).map((path) => `/${path}:${wanted}`);
}

/** The paths that a repository without a registry may have in a registry; empty for one with a registry. */
export function unqualifiedPaths(repository: string): readonly string[] {
  const slash = repository.indexOf('/');
  if (slash === -1) return [repository, `library/${repository}`];
  return isExplicitHost(repository.slice(0, slash)) ? [] : [repository];
}

/** The part of a normalised name or repository from the slash after its registry, as a key. */
export function withoutRegistry(key: string): string {
  return key.slice(key.indexOf('/'));
}

/** The {@link referenceKeys} of a normalised name. */
export function nameKeys(name: string): readonly string[] {
  const at = name.indexOf('@');
  if (at === -1) return [name];
  const hasTag = name.lastIndexOf(':', at) > name.lastIndexOf('/', at);
  return hasTag ? formatKeys(splitReference(name)) : [name, name.slice(at + 1)];
}

/** Splits a text into repository, tag and digest without validating them, so that globs are split like references. */
export function splitReference(text: string): Reference {
  const at = text.indexOf('@');
  const name = at === -1 ? text : text.slice(0, at);
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  return {
    repository: colon === -1 ? name : name.slice(0, colon),
    ...(colon !== -1 && { tag: name.slice(colon + 1) }),
    ...(at !== -1 && { digest: text.slice(at + 1) }),
  };
}

/** The repository of a normalised name. */
export function repositoryOf(name: string): string {
  const at = name.indexOf('@');
  const colon = name.indexOf(':', name.lastIndexOf('/', at === -1 ? name.length : at));
  const end = at === -1 || (colon !== -1 && colon < at) ? colon : at;
  return end === -1 ? name : name.slice(0, end);
}

/** Adds `docker.io` and `library/` to a repository that lacks them. */
export function normaliseRepository(repository: string): string {
  const slash = repository.indexOf('/');
  const first = repository.slice(0, slash);
  const hasHost = slash !== -1 && isExplicitHost(first);
  const registry = hasHost ? first.replace(/^index\.docker\.io$/, 'docker.io') : 'docker.io';
  const path = hasHost ? repository.slice(slash + 1) : repository;
  return registry === 'docker.io' && !path.includes('/') ? `docker.io/library/${path}` : `${registry}/${path}`;
}

/** True if the first segment of a name is a registry, and not a user or an organisation of `docker.io`. */
export function isExplicitHost(segment: string): boolean {
  return /[.:]/.test(segment) || segment === 'localhost' || segment.toLowerCase() !== segment;
}

export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

export function isDigest(text: string): boolean {
  return digestPattern.test(text);
}

/** True if a text is the ID of an image, with or without `sha256:`. */
export function isImageId(text: string): boolean {
  return imageId.test(text);
}

/** True if a text is a whole digest without a name, or an image ID. A tag may look like the digest of another algorithm. */
export function isBareDigest(text: string): boolean {
  return bareDigest.test(text);
}

/** True if a reference identifies an image by its content: an ID or a digest. A tag may move. */
export function isExact(text: string): boolean {
  return text.includes('@') || isImageId(withoutScheme(text));
}

/** cri-dockerd writes a scheme before the IDs and digests of Docker Engine. */
function withoutScheme(text: string): string {
  return text.startsWith('docker') ? text.replace(/^docker(?:-pullable)?:\/\//, '') : text;
}

function formatKeys({ repository, tag, digest }: Reference): readonly string[] {
  return [
    ...(tag === undefined ? [] : [`${repository}:${tag}`]),
    ...(digest === undefined ? [] : [`${repository}@${digest}`, digest]),
  ];
}

function isRepository(repository: string): boolean {
  const [registry = '', ...path] = repository.split('/');
  return (
    repository.length <= maxRepositoryLength &&
    host.test(registry) &&
    path.every((segment) => pathSegment.test(segment))
  );
}

function normaliseName(text: string): string {
  if (isFull(text)) return text;
  const reference = parseReference(text);
  return reference === undefined ? text : formatReference(reference);
}

/** True if a name is complete, like nearly every name that a runtime lists. */
function isFull(text: string): boolean {
  const slash = text.indexOf('/');
  const registry = text.slice(0, slash);
  if (slash === -1 || !isExplicitHost(registry) || registry === 'index.docker.io') return false;
  if (registry === 'docker.io' && !text.includes('/', slash + 1)) return false;
  return text.includes('@') || text.includes(':', text.lastIndexOf('/'));
}
