import { repositoryOf } from '../../contract/reference.ts';
import type { ImageRecord } from '../history/history.ts';
import type { Image, ImageDetails } from '../runtime/runtime.ts';

/** The IDs of images in a repository with more than `count` images: without these, the newest are known already. */
export function selectCrowded(images: readonly Image[], count: number): readonly string[] {
  if (count === 0) return [];
  const crowded = groupByRepository(images).filter((group) => group.length > count);
  return [...new Set(crowded.flat().map(({ id }) => id))];
}

/**
 * The IDs of the `count` newest images of every repository, used ones included: by build time, or else by when they
 * were first seen. What can't be told apart from the last of them, and what couldn't be inspected, may be as new and
 * counts too. An image with names in several repositories counts in each.
 */
export function findNewest(
  images: readonly Image[],
  count: number,
  details: ReadonlyMap<string, Pick<ImageDetails, 'builtAt'>>,
  records: ReadonlyMap<string, ImageRecord>,
): ReadonlySet<string> {
  if (count === 0) return new Set();
  const bornAt = ({ id }: Image) => details.get(id)?.builtAt ?? records.get(id)?.firstSeen ?? 0;
  const selectNewest = (group: readonly Image[]) => {
    if (group.length <= count) return group;
    const inspected = group.filter(({ id }) => details.has(id));
    const lastBorn = inspected.map(bornAt).toSorted((a, b) => b - a)[count - 1] ?? 0;
    return group.filter((image) => !details.has(image.id) || bornAt(image) >= lastBorn);
  };
  return new Set(
    groupByRepository(images)
      .flatMap(selectNewest)
      .map(({ id }) => id),
  );
}

function groupByRepository(images: readonly Image[]): readonly (readonly Image[])[] {
  const groups = new Map<string, Image[]>();
  for (const image of images) {
    for (const name of image.names) {
      const repository = repositoryOf(name);
      const group = groups.get(repository);
      if (group === undefined) groups.set(repository, [image]);
      else if (group.at(-1) !== image) group.push(image);
    }
  }
  return [...groups.values()];
}
