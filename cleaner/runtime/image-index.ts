import { nameKeys, referenceKeys, unqualifiedKeys, withoutRegistry } from '../../contract/images/reference.ts';
import type { Image } from './runtime.ts';

/** Finds the IDs of images by references: ID, name or digest. */
export type ImageIndex = (references: readonly string[]) => ReadonlySet<string>;

type NamedImage = Pick<Image, 'id' | 'names'>;

/** Builds an index for these references only, because a large node has many more names. */
export function indexImages(images: readonly NamedImage[], references: readonly string[]): ImageIndex {
  return indexByKeys(images, references, referenceKeys);
}

/** Like {@link indexImages}, but a reference without a registry matches its path and tag under every registry. */
export function indexProtected(images: readonly NamedImage[], references: readonly string[]): ImageIndex {
  return indexByKeys(images, references, (text) => [...referenceKeys(text), ...unqualifiedKeys(text)]);
}

function indexByKeys(
  images: readonly NamedImage[],
  references: readonly string[],
  keysOf: (reference: string) => readonly string[],
): ImageIndex {
  const keys = new Map([...new Set(references)].map((reference) => [reference, keysOf(reference)]));
  const found = new Map([...keys.values()].flat().map((key): [string, string[]] => [key, []]));
  const isForAnyRegistry = [...found.keys()].some((key) => key.startsWith('/'));
  for (const { id, names } of found.size > 0 ? images : []) {
    for (const key of referenceKeys(id)) found.get(key)?.push(id);
    for (const name of names) {
      for (const key of nameKeys(name)) {
        found.get(key)?.push(id);
        if (isForAnyRegistry) found.get(withoutRegistry(key))?.push(id);
      }
    }
  }
  const findIds = (reference: string) => (keys.get(reference) ?? []).flatMap((key) => found.get(key) ?? []);
  return (wanted) => new Set(wanted.flatMap(findIds));
}
