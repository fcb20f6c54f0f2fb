import { indexProtected } from '../../../cleaner/runtime/image-index.ts';
import type { KeepReason } from '../../../contract/keep-reason.ts';
import type { PlanDocument, PlannedImage } from '../../../contract/plan-document.ts';
import { runKinds } from '../../../scheduler/kinds.ts';
import type { Node } from '../../../scheduler/objects.ts';
import { isPrepull } from '../../../scheduler/prepull/kind.ts';
import { wantedOn } from '../../../scheduler/prepull/wanted.ts';
import { type Keeper, referencesKeptOn } from '../../../scheduler/status/kept-references.ts';

/** The policies that keep images on a node. */
interface Keeping {
  readonly node: Node;
  readonly keepers: readonly Keeper[];
}

/** A list that wants an image on a node, in words. */
interface Wish {
  readonly reference: string;
  readonly list: string;
}

const prepulled: KeepReason = 'Prepulled';

/** Adds to each image that lists keep which lists these are. */
export function nameKeepers(plan: PlanDocument, keeping: Keeping): PlanDocument {
  if (!plan.images.some(isKeptByLists)) return plan;
  const wishes = wishesOn(keeping);
  const index = indexProtected(
    plan.images,
    wishes.map(({ reference }) => reference),
  );
  const describe = ({ id }: PlannedImage) => {
    const lists = wishes.filter(({ reference }) => index([reference]).has(id)).map(({ list }) => list);
    return lists.length === 0 ? undefined : `; wanted by ${[...new Set(lists)].join(' and ')}`;
  };
  return { ...plan, images: plan.images.map((image) => addToImage(image, describe(image))) };
}

function addToImage(image: PlannedImage, words: string | undefined): PlannedImage {
  if (words === undefined || !isKeptByLists(image)) return image;
  const { reason, message, verdicts } = image;
  return {
    ...image,
    message: reason === prepulled ? `${message}${words}` : message,
    verdicts: verdicts.map((verdict) =>
      verdict.rule === prepulled && verdict.keeps ? { ...verdict, message: `${verdict.message}${words}` } : verdict,
    ),
  };
}

function isKeptByLists({ reason, verdicts }: PlannedImage): boolean {
  return reason === prepulled || verdicts.some(({ rule, keeps }) => rule === prepulled && keeps);
}

function wishesOn({ node, keepers }: Keeping): readonly Wish[] {
  return keepers.flatMap((keeper) => wishesOf(keeper, node));
}

function wishesOf(keeper: Keeper, node: Node): readonly Wish[] {
  const { name, parsed } = keeper;
  if (parsed?.valid && isPrepull(parsed)) {
    return wantedOn(node, parsed.policy).flatMap(({ reference, lists }) =>
      lists.map((list) => ({ reference, list: `list ${list} of policy ${name}` })),
    );
  }
  const list = `the last valid version of policy ${name}`;
  return referencesKeptOn(node, [keeper], runKinds).map((reference) => ({ reference, list }));
}
