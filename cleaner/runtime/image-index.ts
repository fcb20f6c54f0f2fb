import { nameKeys, referenceKeys } from '../../contract/reference.ts';
import type { Image } from './runtime.ts';

/** Finds the IDs of the images that references point to, by ID, name or digest. */
export type ImageIndex = (references: readonly string[]) => ReadonlySet<string>;

/** Prepares the search for these references alone: a big node has far more names than anybody asks for. */
export function indexImages(images: readonly Pick<Image, 'id' | 'names'>[], references: readonly string[]): ImageIndex {
  const keys = new Map([...new Set(references)].map((reference) => [reference, referenceKeys(reference)]));
  const found = new Map([...keys.values()].flat().map((key): [string, string[]] => [key, []]));
  for (const { id, names } of found.size > 0 ? images : []) {
    for (const key of referenceKeys(id)) found.get(key)?.push(id);
    for (const name of names) for (const key of nameKeys(name)) found.get(key)?.push(id);
  }
  const findIds = (reference: string) => (keys.get(reference) ?? []).flatMap((key) => found.get(key) ?? []);
  return (wanted) => new Set(wanted.flatMap(findIds));
}
