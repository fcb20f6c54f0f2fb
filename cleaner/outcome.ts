import type { Kept, Removal } from './plan.ts';
import type { RemovalAnswer } from './runtime.ts';

/** What became of an image that was to be removed. */
export type Outcome =
  | { readonly kind: 'removed' }
  /** It is still there. */
  | { readonly kind: 'failed'; readonly reason: 'RemovalFailed' | 'RemovalTimedOut'; readonly message: string }
  /** Nothing was asked of the runtime, or it refused because the image is in use. */
  | { readonly kind: 'skipped'; readonly reason: 'InUse' | StopReason; readonly message?: string }
  /** The request was made, and no look afterwards succeeded. */
  | { readonly kind: 'unknown'; readonly reason: 'LookFailed'; readonly message: string };

/** Why no further removal was tried. */
export type StopReason = 'Interrupted' | 'UsageUnreadable';

export type RemovalResult = { readonly removal: Removal; readonly outcome: Outcome };

/** What was done of a plan. */
export type PlanResult = {
  readonly results: readonly RemovalResult[];
  /** Removals that usage no longer called for. */
  readonly spared: readonly Kept[];
  /** Why the removals after some point were not tried, where that is so. */
  readonly stopped?: { readonly reason: StopReason; readonly message: string };
};

/** How runtimes refuse to remove an image that a container uses (CRI-O, Docker Engine; containerd doesn't refuse). */
const inUseRefusal = /\bin use\b|\bbeing used\b|image used by/i;

/** What the runtime's answer and a look afterwards say of an image: a request that failed may have removed it all the same. */
export function judgeRemoval(id: string, answer: RemovalAnswer, isStillThere: boolean): Outcome {
  if (!isStillThere) return { kind: 'removed' };
  const own = answer.complaints.find(({ imageId }) => imageId === id);
  if (own !== undefined && inUseRefusal.test(own.message)) {
    return { kind: 'skipped', reason: 'InUse', message: own.message };
  }
  const message = (own ?? answer.complaints[0])?.message ?? 'the runtime reported success, but still lists the image';
  return { kind: 'failed', reason: answer.timedOut ? 'RemovalTimedOut' : 'RemovalFailed', message };
}
