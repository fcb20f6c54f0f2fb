import type { KeepReason } from '../../contract/keep-reason.ts';
import type { Look } from '../runtime/inventory.ts';
import type { Image } from '../runtime/runtime.ts';
import { type Facts, type KeepRule, makeKeepRules, recordOf } from './keep-rules.ts';
import { describeOtherwise, isCalledFor } from './set-rules.ts';

export type Kept = {
  readonly image: Image;
  readonly reason: KeepReason;
  readonly message: string;
  /** The image set because of which it is kept; absent if there is none. */
  readonly set?: string;
};

/** The verdict of one rule on an image. */
export type Verdict = { readonly rule: KeepReason; readonly keeps: boolean; readonly message: string };

/** Returns why an image is kept; undefined if it may be removed. */
export type Judge = (image: Image) => Kept | undefined;

/** Keeps an image for the first rule that applies, which is the strongest. */
export function judgeBy(rules: readonly KeepRule[]): Judge {
  return (image) => {
    for (const { reason, set, findCause } of rules) {
      const message = findCause(image);
      if (message !== undefined) return { image, reason, message, ...(set !== undefined && { set }) };
    }
    return undefined;
  };
}

/** The verdicts of all rules on an image, strongest first. */
export function judgeImage(rules: readonly KeepRule[], image: Image): readonly Verdict[] {
  return rules.map((rule) => {
    const cause = rule.findCause(image);
    return { rule: rule.reason, keeps: cause !== undefined, message: cause ?? describeOtherwise(rule, image) };
  });
}

/**
 * Judges images again by all rules after each later look at the node. An image that was used in an earlier look counts as
 * just used. An image that was missing in a look, or has a new name or size, was pulled or tagged since the plan, so it
 * counts as new: a runtime shows only IDs and names, and these may be the same after a second pull. Both keep also images
 * that go at any age.
 */
export function createJudge(facts: Facts, planned: readonly Image[]): (look: Look) => Judge {
  const known = new Map(planned.map((image) => [image.id, image]));
  const gone = new Set<string>();
  const used = new Set<string>();
  return (look) => {
    const present = new Set(look.images.map(({ id }) => id));
    for (const id of known.keys()) {
      if (!present.has(id)) gone.add(id);
      if (look.inUse.has(id)) used.add(id);
    }
    const judge = judgeBy(makeKeepRules(refresh(facts, look, used)));
    const isUsedSince = (image: Image) => used.has(image.id) && isCalledFor(facts.sets, image);
    return (image) =>
      judge(image) ??
      (isUsedSince(image) ? keepUsedSince(image) : undefined) ??
      keepChanged(image, known.get(image.id), gone);
  };
}

function refresh(facts: Facts, look: Look, used: ReadonlySet<string>): Facts {
  const { history, now } = facts;
  const inventory = { ...facts.inventory, ...look };
  if (used.size === 0) return { ...facts, inventory };
  const usedNow = [...used].map((id) => [id, { ...recordOf(history, { id }), lastUsed: now }] as const);
  const images = new Map([...history.images, ...usedNow]);
  return { ...facts, inventory, history: { ...history, images } };
}

function keepUsedSince(image: Image): Kept {
  return { image, reason: 'RecentlyUsed', message: 'used since this run began' };
}

function keepChanged(image: Image, planned: Image | undefined, gone: ReadonlySet<string>): Kept | undefined {
  const since = describeChange(image, planned, gone);
  if (since === undefined) return undefined;
  return { image, reason: 'TooYoung', message: `${since} since this run began: somebody is about to need it` };
}

function describeChange(image: Image, planned: Image | undefined, gone: ReadonlySet<string>): string | undefined {
  if (planned === undefined || gone.has(image.id)) return 'pulled';
  const newName = image.names.find((name) => !planned.names.includes(name));
  if (newName !== undefined) return `named ${newName}`;
  return image.sizeBytes === planned.sizeBytes ? undefined : 'pulled in another size';
}
