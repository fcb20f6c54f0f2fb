import * as z from 'zod';
import { compareNames } from '../../../contract/text.ts';
import type { Inventory, RepositoryState } from './inventory.ts';

/** The memory of an earlier look can't be read. */
export class HarborMemoryError extends Error {
  override readonly name = 'HarborMemoryError';
}

const departureSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('Deleted'), repository: z.string(), digest: z.string(), since: z.iso.date() }),
  z.object({
    kind: z.literal('Moved'),
    repository: z.string(),
    digest: z.string(),
    since: z.iso.date(),
    /** The tag that names another image now. */
    tag: z.string(),
  }),
]);

/** An image that Harbor has deleted, or that a tag has left, and the day on which a look found this. */
export type Departure = z.output<typeof departureSchema>;

/** The data that the next look needs from this one. */
export interface HarborMemory {
  /** The criteria of the entries by severity. */
  readonly criteria: string;
  readonly inventory: Inventory;
  readonly departures: readonly Departure[];
}

const memorySchema = z.object({
  version: z.literal(1),
  criteria: z.string(),
  projects: z.array(
    z.tuple([
      z.string(),
      z.array(z.tuple([z.string(), z.array(z.string()), z.array(z.tuple([z.string(), z.int().nonnegative()]))])),
    ]),
  ),
  departures: z.array(departureSchema),
});

/** The memory before the first look. */
export const emptyMemory: HarborMemory = { criteria: '', inventory: new Map(), departures: [] };

/**
 * Writes a memory. Equal memories have equal bytes. A digest without its `sha256:` takes little more than 32 bytes when the
 * text is packed.
 */
export function formatMemory({ criteria, inventory, departures }: HarborMemory): Uint8Array {
  const projects = sortedEntries(inventory).map(([project, repositories]) => [
    project,
    sortedEntries(repositories).map(([repository, state]) => [repository, ...formatState(state)]),
  ]);
  const sorted = departures.toSorted((one, other) => compareNames(keyOf(one), keyOf(other))).map(inOrder);
  return Buffer.from(JSON.stringify({ version: 1, criteria, projects, departures: sorted }));
}

/** Reads a memory; undefined is that before the first look. Throws a {@link HarborMemoryError} with the advice. */
export function parseMemory(bytes: Uint8Array | undefined, advice = ''): HarborMemory {
  if (bytes === undefined) return emptyMemory;
  const { criteria, projects, departures } = readDocument(bytes, advice);
  const inventory = new Map(
    projects.map(([project, repositories]) => [
      project,
      new Map(repositories.map(([repository, digests, tags]) => [repository, readState(digests, tags)])),
    ]),
  );
  return { criteria, inventory, departures };
}

/** The key of a departure. The image of a repository departs once. */
export function keyOf({ repository, digest }: Pick<Departure, 'repository' | 'digest'>): string {
  return `${repository}@${digest}`;
}

/** The order of fields must not depend on where a departure comes from. */
function inOrder({ kind, repository, digest, since, ...rest }: Departure): object {
  return { kind, repository, digest, since, ...rest };
}

function readDocument(bytes: Uint8Array, advice: string): z.output<typeof memorySchema> {
  try {
    return memorySchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (cause) {
    throw new HarborMemoryError(`the memory of the last look can't be read: ${advice}`, { cause });
  }
}

function formatState({ digests, tags }: RepositoryState): [string[], [string, number][]] {
  const sorted = [...digests].toSorted(compareNames);
  const places = new Map(sorted.map((digest, index) => [digest, index]));
  return [
    sorted.map((digest) => digest.replace(/^sha256:/, '')),
    sortedEntries(tags).flatMap(([tag, digest]): [string, number][] => {
      const place = places.get(digest);
      return place === undefined ? [] : [[tag, place]];
    }),
  ];
}

function readState(texts: readonly string[], tags: readonly (readonly [string, number])[]): RepositoryState {
  const digests = texts.map((text) => (text.includes(':') ? text : `sha256:${text}`));
  const named = tags.flatMap(([tag, place]): [string, string][] => {
    const digest = digests[place];
    return digest === undefined ? [] : [[tag, digest]];
  });
  return { digests: new Set(digests), tags: new Map(named) };
}

function sortedEntries<Value>(map: ReadonlyMap<string, Value>): [string, Value][] {
  return [...map].toSorted(([one], [other]) => compareNames(one, other));
}
