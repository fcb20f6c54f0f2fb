import * as z from 'zod';
import { parseReference, splitReference } from '../../../contract/images/reference.ts';
import { findCrowd } from './crowded-lists.ts';
import { imagePullPolicySchema, listNodesSchema, normalise } from './image-list.ts';
import { mayOverlap } from './label-domains.ts';
import { pullPolicyOf, secretsOf } from './pull-policy.ts';

/** The maximum number of lists of a policy. */
export const maxLists = 32;
/** The maximum number of images that the lists of a policy give to one node. */
export const maxImagesPerNode = 256;

/** A problem of the lists of a policy, with its path below `lists`. */
export interface ListProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * A list that may have problems of its own. They must not hide those that it has with other lists, so its broken images
 * are left out. A list with another problem is not compared.
 */
const comparableSchema = z.object({
  name: z.unknown(),
  images: z.array(z.string().transform(normalise).catch('')).catch([]),
  nodes: listNodesSchema.prefault({}),
  imagePullPolicy: imagePullPolicySchema,
  imagePullSecrets: z.array(z.object({ name: z.string() })).default([]),
});

interface Comparable extends z.output<typeof comparableSchema> {
  readonly index: number;
}

/** An image of a list. */
interface Entry {
  readonly list: Comparable;
  readonly position: number;
  readonly reference: string;
}

/** Returns the problems that the lists of a policy have with each other, also if some of them have problems of their own. */
export function listProblems(lists: unknown): readonly ListProblem[] {
  if (!Array.isArray(lists) || lists.length > maxLists) return [];
  const comparable = lists.flatMap((list, index) => {
    const { data } = comparableSchema.safeParse(list);
    return data === undefined ? [] : [{ ...data, index }];
  });
  const sameImages = Map.groupBy(comparable.flatMap(entriesOf), ({ reference }) => imageKey(reference));
  return [...nameProblems(lists), ...[...sameImages.values()].flatMap(entryProblems), ...crowdProblems(comparable)];
}

function entriesOf(list: Comparable): Entry[] {
  return list.images
    .map((reference, position) => ({ list, position, reference }))
    .filter(({ reference }) => parseReference(reference) !== undefined);
}

/** References with one digest mean one image, whatever their tags are. */
function imageKey(reference: string): string {
  const { repository, digest } = splitReference(reference);
  return digest === undefined ? reference : `${repository}@${digest}`;
}

function nameProblems(lists: readonly unknown[]): ListProblem[] {
  const names = lists.map((list) => z.object({ name: z.string() }).safeParse(list).data?.name);
  return names.flatMap((name, index) => {
    const first = names.indexOf(name);
    if (name === undefined || first === index) return [];
    return [{ path: [index, 'name'], message: `is also the name of lists[${first}]; each list needs its own` }];
  });
}

/** The problems of entries that mean one image. */
function entryProblems(entries: readonly Entry[]): ListProblem[] {
  return entries.flatMap((entry, index) => {
    const message = findConflict(entry, entries.slice(0, index));
    return message === undefined ? [] : [{ path: [entry.list.index, 'images', entry.position], message }];
  });
}

function findConflict(entry: Entry, earlier: readonly Entry[]): string | undefined {
  const twin = earlier.find(({ list }) => list === entry.list);
  if (twin !== undefined)
    return `is the image of images[${twin.position}] again (${twin.reference}); leave one of them out`;
  for (const other of earlier) {
    const difference = differenceOf(entry, other);
    if (difference === undefined || !mayOverlap(entry.list.nodes, other.list.nodes)) continue;
    return `is also lists[${other.list.index}].images[${other.position}], with other ${difference}, and both lists may select one node; give both the same ${difference}, or selectors that exclude each other`;
  }
  return undefined;
}

/** The field in which the lists of two entries differ for their image. */
function differenceOf(one: Entry, other: Entry): string | undefined {
  if (secretsOf(one.list).join() !== secretsOf(other.list).join()) return 'imagePullSecrets';
  const policies = [one, other].map(({ reference, list }) => pullPolicyOf(reference, list));
  return policies[0] === policies[1] ? undefined : 'imagePullPolicy';
}

function crowdProblems(lists: readonly Comparable[]): ListProblem[] {
  const shares = lists.map((list) => ({
    name: `lists[${list.index}]`,
    images: new Set(entriesOf(list).map(({ reference }) => reference)),
    nodes: list.nodes,
  }));
  const crowd = findCrowd(shares, maxImagesPerNode);
  if (crowd === undefined) return [];
  return [
    {
      path: [],
      message: `give ${crowd.images} images to a node that matches ${crowd.lists.join(' and ')}, and a node gets at most ${maxImagesPerNode}; use fewer images, or selectors that exclude each other`,
    },
  ];
}
