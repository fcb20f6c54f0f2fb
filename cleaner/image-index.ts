import { nameKeys, referenceKeys } from './reference.ts';
import type { Image } from './runtime.ts';

/** Finds the IDs of the images that references point to, by ID, name or digest. */
export type ImageIndex = (references: readonly string[]) => ReadonlySet<string>;

export function indexImages(images: readonly Pick<Image, 'id' | 'names'>[]): ImageIndex {
  const idsByKey = new Map<string, readonly string[]>();
  for (const { id, names } of images) {
    for (const key of new Set([...referenceKeys(id), ...names.flatMap(nameKeys)])) {
      idsByKey.set(key, [...(idsByKey.get(key) ?? []), id]);
    }
  }
  return (references) => new Set(references.flatMap(referenceKeys).flatMap((key) => idsByKey.get(key) ?? []));
}
