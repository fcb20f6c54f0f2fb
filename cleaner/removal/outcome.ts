import type { Kept, Removal } from '../plan/plan.ts';
import type { RemovalAnswer } from '../runtime/runtime.ts';
import type { StopRequest } from '../stop.ts';

/** What became of an image that was to be removed. */
export type Outcome =
  | { readonly kind: 'removed' }
  /** It is still there. */
  | { readonly kind: 'failed'; readonly reason: 'RemovalFailed' | 'RemovalTimedOut'; readonly message: string }
  /** Nothing was asked of the runtime, or it refused. */
  | { readonly kind: 'skipped'; readonly reason: RefusalReason | StopReason; readonly message?: string }
  /** The request was made, and no look afterwards succeeded. */
  | { readonly kind: 'unknown'; readonly reason: 'LookFailed'; readonly message: string };

/** Why no further removal was tried. */
export type StopReason = StopRequest['reason'] | 'UsageUnreadable';

export type RemovalResult = { readonly removal: Removal; readonly outcome: Outcome };

/** What was done of a plan. */
export type SweepResult = {
  readonly results: readonly RemovalResult[];
  /** Removals that usage no longer called for. */
  readonly spared: readonly Kept[];
  /** Why the removals after some point were not tried, where that is so. */
  readonly stopped?: { readonly reason: StopReason; readonly message: string };
};

/** Why a runtime refuses to remove an image as it is: asking again would change nothing. */
export type RefusalReason = 'InUse' | 'HasChildren' | 'HasSeveralNames';

/** How they put it: CRI-O and Docker Engine, as containerd refuses nothing. Docker's "must be forced" is in two of them. */
const refusals: readonly { readonly reason: RefusalReason; readonly pattern: RegExp; readonly advice?: string }[] = [
  { reason: 'InUse', pattern: /\bin use\b|\bbeing used\b|image used by/i },
  {
    reason: 'HasChildren',
    pattern: /has dependent child images/i,
    advice: 'it goes in a later run, when the images that were built on it are gone',
  },
  {
    reason: 'HasSeveralNames',
    pattern: /referenced in multiple repositories|must be forced/i,
    advice: 'the runtime removes it only when one name is left: untag the others ("docker rmi NAME")',
  },
];

/** What the runtime's answer and a look afterwards say of an image: a request that failed may have removed it all the same. */
export function judgeRemoval(id: string, { timedOut, complaints }: RemovalAnswer, isStillThere: boolean): Outcome {
  if (!isStillThere) return { kind: 'removed' };
  const own = complaints.find(({ imageId }) => imageId === id)?.message;
  const refusal = own === undefined ? undefined : judgeRefusal(own);
  if (refusal !== undefined) return refusal;
  const general = complaints.find(({ imageId }) => imageId === undefined)?.message;
  const message = own ?? general ?? 'the runtime reported success, but still lists the image';
  return { kind: 'failed', reason: timedOut ? 'RemovalTimedOut' : 'RemovalFailed', message };
}

function judgeRefusal(message: string): Outcome | undefined {
  const refusal = refusals.find(({ pattern }) => pattern.test(message));
  if (refusal === undefined) return undefined;
  const { reason, advice } = refusal;
  return { kind: 'skipped', reason, message: advice === undefined ? message : `${message}; ${advice}` };
}
