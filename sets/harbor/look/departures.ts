import type { SetEntry } from '../../../contract/images/image-set.ts';
import type { Artifact } from './answers.ts';
import { digestsOf, type Inventory, namedDigests, projectOf } from './inventory.ts';
import { type Departure, type HarborMemory, keyOf } from './memory.ts';

/** More images are gone than may be gone at once. */
export class TooManyGoneError extends Error {
  override readonly name = 'TooManyGoneError';
}

/** An image by its repository and digest. */
export interface Image {
  readonly repository: string;
  readonly digest: string;
}

const dayMs = 24 * 60 * 60 * 1_000;

/**
 * Finds the images of the last look that are in no repository now. A project that this look does not cover has none, and a
 * digest that another repository has can be pulled still.
 */
export function findGone(before: Inventory, now: Inventory): readonly Image[] {
  const present = digestsOf(now);
  return [...comparablePart(before, now)]
    .flatMap(([, repositories]) => [...repositories])
    .flatMap(([repository, { digests }]) =>
      [...digests].filter((digest) => !present.has(digest)).map((digest) => ({ repository, digest })),
    );
}

/** The part of an inventory that another look covers. */
export function comparablePart(before: Inventory, now: Inventory): Inventory {
  return new Map([...before].filter(([project]) => now.has(project)));
}

/**
 * Throws a {@link TooManyGoneError} if more than this percentage of the images of the last look are gone. A restored backup and
 * a wrong server look like this.
 */
export function refuseTooManyGone(gone: readonly Image[], before: Inventory, maxPercent: number): void {
  const goneDigests = new Set(gone.map(({ digest }) => digest)).size;
  const all = digestsOf(before).size;
  if (goneDigests * 100 <= all * maxPercent) return;
  const percent = Math.round((goneDigests * 100) / all);
  throw new TooManyGoneError(
    `Harbor no longer has ${goneDigests} of the ${all} images of the last look (${percent} %), and --max-gone-percent is ${maxPercent}: nothing is written; if they are meant to be gone, run the command once with --max-gone-percent ${Math.min(100, percent + 1)}`,
  );
}

/**
 * Finds the images that a tag has left, and that no tag and no index names now. A tag that was deleted has not moved.
 */
export function findMoved(
  before: Inventory,
  now: Inventory,
  artifacts: readonly Artifact[],
): readonly (Image & { readonly tag: string })[] {
  const named = namedDigests(artifacts);
  const present = digestsOf(now);
  return [...before].flatMap(([project, repositories]) =>
    [...repositories].flatMap(([repository, { tags }]) =>
      [...tags].flatMap(([tag, digest]) => {
        const current = now.get(project)?.get(repository)?.tags.get(tag);
        const hasMoved = current !== undefined && current !== digest;
        return hasMoved && present.has(digest) && !named.has(digest) ? [{ repository, digest, tag }] : [];
      }),
    ),
  );
}

/** Facts of this look from which the departures follow. */
export interface Look {
  /** Every project of this look, and without repositories those that Harbor has deleted. */
  readonly inventory: Inventory;
  readonly artifacts: readonly Artifact[];
  readonly now: Date;
  /** Departures that were found before are forgotten after this time. */
  readonly keepMs: number;
}

/**
 * The departures after a look: the earlier ones that are still so, and the new ones. An image that is back, and one that has a
 * tag again, are not among them. The result of the same look with an older memory is the same, apart from dates.
 */
export function updateDepartures(before: HarborMemory, gone: readonly Image[], look: Look): readonly Departure[] {
  const since = look.now.toISOString().slice(0, 10);
  const moved = findMoved(before.inventory, look.inventory, look.artifacts);
  const found: readonly Departure[] = [
    ...gone.map((image) => ({ kind: 'Deleted', ...image, since }) as const),
    ...moved.map((image) => ({ kind: 'Moved', ...image, since }) as const),
  ];
  const departures = new Map<string, Departure>();
  for (const departure of [...selectLasting(before.departures, look), ...found]) {
    const known = departures.get(keyOf(departure));
    if (known?.kind !== departure.kind) departures.set(keyOf(departure), departure);
  }
  return [...departures.values()];
}

/** Names departed images by the repositories that nodes pull them from: the same digest elsewhere has not departed. */
export function nameDepartures(departures: readonly Departure[], registry: string): readonly SetEntry[] {
  return departures.map((departure) => ({
    image: `${registry}/${keyOf(departure)}`,
    reason: `${describeDeparture(departure)}, by harbor`,
  }));
}

function describeDeparture(departure: Departure): string {
  switch (departure.kind) {
    case 'Deleted':
      return `deleted, seen on ${departure.since}`;
    case 'Moved':
      return `tag ${departure.tag} has moved, seen on ${departure.since}`;
    default:
      return departure satisfies never;
  }
}

/** Selects the departures that are still so, and not too old. */
function selectLasting(departures: readonly Departure[], look: Look): readonly Departure[] {
  const present = digestsOf(look.inventory);
  const named = namedDigests(look.artifacts);
  const isStillSo = ({ kind, digest }: Departure) =>
    kind === 'Deleted' ? !present.has(digest) : present.has(digest) && !named.has(digest);
  return departures.filter(
    (departure) =>
      look.inventory.has(projectOf(departure.repository)) &&
      look.now.getTime() - Date.parse(departure.since) <= look.keepMs + dayMs &&
      isStillSo(departure),
  );
}
