import { referenceKeys, repositoryOf, splitReference } from '../../contract/images/reference.ts';
import type { Image } from '../runtime/runtime.ts';

type NamedImage = Pick<Image, 'id' | 'names'>;

/** The references of a job that removes only the images they name. */
export type RemovalList = {
  /** The indexes of the references that name an image. */
  indexesOf(image: NamedImage): readonly number[];
  /** The reason why an image is not in the list as a whole; undefined if it is, so that it may be removed. */
  findOutside(image: NamedImage): string | undefined;
};

/**
 * Reads references as the exact names of images: nothing in them is a wildcard, and a name without a registry is one of
 * docker.io. An image is in the list if one of them names it, by tag, digest or ID, and each of its tags is named. A digest
 * in the repository of a named tag protects nothing, because every pull by tag adds it; a digest in another repository does.
 */
export function compileRemovalList(references: readonly string[]): RemovalList {
  const byKey = Map.groupBy(references.entries(), ([, reference]) => decisiveKey(reference));
  const entriesOf = (image: NamedImage) => [...new Set(keysOf(image))].flatMap((key) => byKey.get(key) ?? []);
  return {
    indexesOf: (image) => entriesOf(image).map(([index]) => index),
    findOutside: (image) => {
      const entries = entriesOf(image);
      if (entries.length === 0) return 'no reference of the job names it';
      const named = new Set(entries.flatMap(([, reference]) => referenceKeys(reference)));
      const repositories = new Set([...named].map(repositoryOf));
      const other = image.names.find((name) => !isNamed(partsOf(name), named, repositories));
      return other && `no reference of the job names it as ${other}`;
    },
  };
}

/** With a tag and a digest the digest decides, because runtimes pull by it. A digest alone counts only in its repository. */
function decisiveKey(reference: string): string {
  const keys = referenceKeys(reference);
  return keys.find((key) => key.includes('@')) ?? keys[0] ?? reference;
}

function keysOf({ id, names }: NamedImage): readonly string[] {
  return [...referenceKeys(id), ...names.map(partsOf).flatMap(({ tag, digest }) => [tag, digest])].filter(
    (key) => key !== undefined,
  );
}

type NameParts = { readonly tag?: string; readonly digest?: string };

/** The name of an image as `repository:tag`, as `repository@digest`, or as both. */
function partsOf(name: string): NameParts {
  const { repository, tag, digest } = splitReference(name);
  if (digest === undefined) return { tag: name };
  return { ...(tag !== undefined && { tag: `${repository}:${tag}` }), digest: `${repository}@${digest}` };
}

function isNamed({ tag, digest }: NameParts, named: ReadonlySet<string>, repositories: ReadonlySet<string>): boolean {
  if (tag !== undefined) return named.has(tag);
  return digest === undefined || named.has(digest) || repositories.has(repositoryOf(digest));
}
