import type { ImageTimes } from '../plan/image-times.ts';
import type { Kept } from '../plan/judge.ts';
import type { Removal } from '../plan/removal-order.ts';
import type { RemovalResult } from '../removal/verify.ts';
import type { Image } from '../runtime/runtime.ts';

/**
 * The log line about one image, with its times in the node's history. `reason` and `message` explain why it is kept, or why
 * it was not removed. Only an image with the decision to remove it has an `outcome`.
 */
export type ImageEvent = ImageTimes & {
  readonly event: 'image';
  readonly id: string;
  readonly names: readonly string[];
  readonly decision: 'remove' | 'keep';
  readonly reason?: string;
  readonly outcome?: RemovalResult['outcome']['kind'] | 'planned';
  readonly message?: string;
  /** The image set because of which the image is kept or removed; absent if there is none. */
  readonly set?: string;
  readonly sizeBytes: number;
};

export function keptEvent({ image, reason, message, set }: Kept): ImageEvent {
  return { ...imageFields(image), decision: 'keep', reason, message, ...(set !== undefined && { set }) };
}

export function plannedEvent({ image, cause }: Removal): ImageEvent {
  return { ...imageFields(image), decision: 'remove', ...cause, outcome: 'planned' };
}

export function removalEvent({ removal, outcome }: RemovalResult): ImageEvent {
  const { kind, ...why } = outcome;
  return { ...imageFields(removal.image), decision: 'remove', ...removal.cause, ...why, outcome: kind };
}

function imageFields({ id, names, sizeBytes }: Image) {
  return { event: 'image', id, names, sizeBytes } as const;
}
