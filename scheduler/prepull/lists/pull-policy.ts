import { splitReference } from '../../../contract/images/reference.ts';
import type { ImageList } from './image-list.ts';

/** The policy by which a kubelet pulls an image. */
export type PullPolicy = NonNullable<ImageList['imagePullPolicy']>;

/**
 * The pull policy of a normalised reference in a list. The default is that of a container: `Always` for the tag `latest`.
 * A reference with a digest can't change, so it is pulled once.
 */
export function pullPolicyOf(reference: string, { imagePullPolicy }: Pick<ImageList, 'imagePullPolicy'>): PullPolicy {
  const { tag, digest } = splitReference(reference);
  if (digest !== undefined) return imagePullPolicy === 'Never' ? 'Never' : 'IfNotPresent';
  return imagePullPolicy ?? (tag === 'latest' ? 'Always' : 'IfNotPresent');
}

/** The different secrets of a list by name, sorted, because their order does not matter. */
export function secretsOf({ imagePullSecrets }: Pick<ImageList, 'imagePullSecrets'>): readonly string[] {
  return [...new Set(imagePullSecrets.map(({ name }) => name))].sort();
}
