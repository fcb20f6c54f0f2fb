import { repositoryOf } from '../../contract/images/reference.ts';
import type { ImageRecord } from '../history/history.ts';
import type { Image, ImageDetails } from '../runtime/runtime.ts';

/** The IDs of images in repositories with more than `count` images. In other repositories all images are the newest. */
export function selectCrowded(images: readonly Image[], count: number): readonly string[] {
  if (count === 0) return [];
  const crowded = groupByRepository(images).filter((group) => group.length > count);
  return [...new Set(crowded.flat().map(({ id }) => id))];
}

/**
 * The IDs of the `count` newest images of every repository, including used ones: by build time, or by the time they were
 * first seen. Images that are as new as the last of them count too, and so do images that could not be inspected. An image
 * with names in several repositories counts in each.
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
