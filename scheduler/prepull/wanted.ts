import type { Node } from '../objects.ts';
import { isSelected, judgeNode } from '../run/rollout/eligibility.ts';
import type { ImageList } from './lists/image-list.ts';
import { type PullPolicy, pullPolicyOf, secretsOf } from './lists/pull-policy.ts';
import type { PrepullPolicy } from './policy.ts';

/** An image that a node should have. */
export interface WantedImage {
  /** The place of the image in {@link imagesOf} its policy. */
  readonly index: number;
  /** The reference, written in full. */
  readonly reference: string;
  readonly pullPolicy: PullPolicy;
  /** The names of the secrets for its registry, sorted. */
  readonly secrets: readonly string[];
  /** The names of the lists that want it on the node. */
  readonly lists: readonly string[];
}

type Lists = Pick<PrepullPolicy, 'lists'>;

/** All different images of the lists of a policy, sorted. The place of an image is its index in names and figures. */
export function imagesOf({ lists }: Lists): readonly string[] {
  return [...indexesOf(lists).keys()];
}

/**
 * The images that a policy wants on a node by the labels of the node, sorted by index, each once. The state of the node does
 * not count: a cordoned node keeps what it has.
 */
export function wantedOn(node: Pick<Node, 'labels'>, { lists }: Lists): readonly WantedImage[] {
  const selecting = lists.filter(({ nodes }) => isSelected(node, nodes));
  return wantedBy(selecting, indexesOf(lists));
}

/** As {@link wantedOn}, but only by the lists that can give the node their images now. */
export function pullableOn(node: Node, { lists }: Lists): readonly WantedImage[] {
  const giving = lists.filter(({ nodes }) => judgeNode(node, nodes).verdict === 'Eligible');
  return wantedBy(giving, indexesOf(lists));
}

/** As {@link pullableOn}, but also by the lists that give the node their images when it is ready and not cordoned. */
export function expectedOn(node: Node, { lists }: Lists): readonly WantedImage[] {
  const giving = lists.filter(({ nodes }) => {
    const eligibility = judgeNode(node, nodes);
    return (
      eligibility.verdict === 'Eligible' || (eligibility.verdict === 'Ineligible' && isPassing(eligibility.reason))
    );
  });
  return wantedBy(giving, indexesOf(lists));
}

/** True for the reasons that end by themselves, or when somebody uncordons the node. */
function isPassing(reason: string): boolean {
  return reason === 'NotReady' || reason === 'Unschedulable';
}

function wantedBy(lists: readonly ImageList[], indexes: ReadonlyMap<string, number>): readonly WantedImage[] {
  const entries = lists.flatMap((list) => list.images.map((reference) => ({ reference, list })));
  return [...Map.groupBy(entries, ({ reference }) => reference)]
    .map(([reference, wanting]) => wantedImage(reference, indexes.get(reference) ?? Number.NaN, wanting))
    .sort((one, other) => one.index - other.index);
}

function wantedImage(reference: string, index: number, wanting: readonly { readonly list: ImageList }[]): WantedImage {
  const [first] = wanting;
  if (first === undefined) throw new Error(`no list wants ${reference}`);
  return {
    index,
    reference,
    // All lists that may select one node agree on pull policy and secrets.
    pullPolicy: pullPolicyOf(reference, first.list),
    secrets: secretsOf(first.list),
    lists: wanting.map(({ list }) => list.name),
  };
}

const knownIndexes = new WeakMap<Lists['lists'], ReadonlyMap<string, number>>();

/** The index of each image. It is computed once for a policy, not for each node. */
function indexesOf(lists: Lists['lists']): ReadonlyMap<string, number> {
  const known = knownIndexes.get(lists);
  if (known !== undefined) return known;
  const images = [...new Set(lists.flatMap((list) => list.images))].sort();
  const indexes = new Map(images.map((reference, index) => [reference, index]));
  knownIndexes.set(lists, indexes);
  return indexes;
}
