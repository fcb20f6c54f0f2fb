import { repositoryOf } from '../../contract/images/reference.ts';
import type { Image } from '../runtime/runtime.ts';
import { findInSets, isReadable, type PolicySet, type PolicySets, type SetHit } from '../sets/policy-sets.ts';
import type { KeepRule } from './keep-rules.ts';

/** The image set because of which an image is removed, and the reason in words. */
export type SetCause = { readonly set: string; readonly message: string };

/** The rule of `images.includeFrom`: an image is kept unless a set names it. No rule without sets. */
export function keepOutsideSets({ includeFrom }: PolicySets): readonly KeepRule[] {
  if (includeFrom.length === 0) return [];
  const message = `no image set of images.includeFrom names it (${includeFrom.map(describeSet).join(', ')})`;
  return [
    {
      reason: 'NotIncluded',
      findCause: (image) => (findInSets(includeFrom, image) === undefined ? message : undefined),
      otherwise: (image) => {
        const hit = findInSets(includeFrom, image);
        return hit === undefined ? message : describeHit(hit);
      },
    },
  ];
}

/** The rules of `images.excludeFrom`, one for each set. A set that can't be read may name any image, so it keeps all. */
export function keepInSets({ excludeFrom }: PolicySets): readonly KeepRule[] {
  return excludeFrom.map(({ name, problem, find }) => ({
    reason: 'Excluded',
    set: name,
    findCause: (image) => {
      if (problem !== undefined) return `image set ${name} can't be read, so it may name any image: ${problem}`;
      const hit = find(image);
      return hit && describeHit(hit);
    },
    otherwise: `image set ${name} does not name it`,
  }));
}

/** A rule of age or disk usage. It does not keep images that a set of `images.removeFrom` names. */
export function exceptCalledFor(rule: KeepRule, { removeFrom }: PolicySets): KeepRule {
  if (removeFrom.length === 0) return rule;
  return {
    ...rule,
    findCause: (image) => (findInSets(removeFrom, image) === undefined ? rule.findCause(image) : undefined),
    otherwise: (image) => {
      const hit = findInSets(removeFrom, image);
      return hit === undefined
        ? describeOtherwise(rule, image)
        : `${describeHit(hit)}; it goes at any age and disk usage`;
    },
  };
}

/** The explanation for an image that a rule does not keep. */
export function describeOtherwise({ otherwise }: KeepRule, image: Image): string {
  return typeof otherwise === 'string' ? otherwise : otherwise(image);
}

/** True if a set of `images.removeFrom` names an image, so that it goes at any age and disk usage. */
export function isCalledFor({ removeFrom }: PolicySets, image: Image): boolean {
  return findInSets(removeFrom, image) !== undefined;
}

/** The set because of which an image that no rule keeps is removed; undefined if no set of the policy calls for it. */
export function findSetCause({ removeFrom, includeFrom }: PolicySets, image: Image): SetCause | undefined {
  const hit = findInSets(removeFrom, image) ?? findInSets(includeFrom, image);
  return hit && { set: hit.set, message: describeHit(hit) };
}

/**
 * True if the sets allow the removal of each name of an image by itself. A set of `includeFrom` that names the ID or a digest
 * names the image under all of its names. A digest goes with a tag of its repository, because every pull by tag adds it.
 */
export function maySetsLoseAllNames(
  { includeFrom, excludeFrom }: PolicySets,
  { id, names }: Pick<Image, 'id' | 'names'>,
): boolean {
  if (!excludeFrom.every(isReadable) || findInSets(excludeFrom, { id, names }) !== undefined) return false;
  if (includeFrom.length === 0) return true;
  const { tags = [], digests = [] } = Object.groupBy(names, (name) => (name.includes('@') ? 'digests' : 'tags'));
  const repositories = new Set(tags.map(repositoryOf));
  const alone = digests.filter((digest) => !repositories.has(repositoryOf(digest)));
  return [...tags, ...alone].every((name) => findInSets(includeFrom, { id, names: [name, ...digests] }) !== undefined);
}

function describeSet({ name, problem }: PolicySet): string {
  return problem === undefined ? name : `${name} can't be read: ${problem}`;
}

function describeHit({ set, entry, reason }: SetHit): string {
  return reason === undefined ? `image set ${set} names it as ${entry}` : `image set ${set}: ${reason}`;
}
