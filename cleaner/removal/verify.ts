import type { KeepReason } from '../../contract/keep-reason.ts';
import type { Kept } from '../plan/judge.ts';
import type { Removal } from '../plan/removal-order.ts';
import type { RemovalAnswer } from '../runtime/runtime.ts';
import type { StopRequest } from '../stop.ts';

/** The outcome of a removal. */
export type Outcome =
  | { readonly kind: 'removed' }
  /** The image is still there. */
  | { readonly kind: 'failed'; readonly reason: 'RemovalFailed' | 'RemovalTimedOut'; readonly message: string }
  /** The removal was not requested, because a rule keeps the image now or the run ended; or the runtime refused it. */
  | {
      readonly kind: 'skipped';
      readonly reason: KeepReason | 'ImageUnreadable' | RefusalReason | StopReason;
      readonly message?: string;
    }
  /** The removal was requested, but no list afterwards could be read. */
  | { readonly kind: 'unknown'; readonly reason: 'LookFailed'; readonly message: string };

/** The reason why no further removal was tried. */
export type StopReason = StopRequest['reason'] | 'UsageUnreadable' | 'SpaceNotFreed' | 'RuntimeHangs';

export type RemovalResult = { readonly removal: Removal; readonly outcome: Outcome };

/** The executed part of a plan. */
export type SweepResult = {
  readonly results: readonly RemovalResult[];
  /** Removals that were not needed for the target usage, or are beyond the limit. */
  readonly spared: readonly Kept[];
  /** The reason why the run stopped early, if it did. */
  readonly stopped?: { readonly reason: StopReason; readonly message: string };
};

/** The reason why a runtime refuses to remove an image. Another request would not help. */
export type RefusalReason = 'InUse' | 'HasChildren' | 'HasSeveralNames';

/** The first words of a conflict of Docker Engine (`daemon/images/image_delete.go` of moby, and its `daemon/containerd`). */
const conflict = String.raw`^conflict: unable to (?:delete|remove) .+ \((?:cannot be forced|must be forced|must force)\) - `;

/**
 * The exact messages of the runtimes, because another failure may also contain "in use". CRI-O: `server/image_remove.go` and
 * `ErrImageUsedByContainer` of containers/storage, after the prefixes of crictl and gRPC. containerd refuses nothing.
 */
const refusals: readonly { readonly reason: RefusalReason; readonly pattern: RegExp; readonly advice?: string }[] = [
  { reason: 'InUse', pattern: /(?:^|: |desc = )image is in use by a container(?:$|")/ },
  { reason: 'InUse', pattern: /(?:^|desc = )the image is in use by [\w-]+(?:$|")/ },
  { reason: 'InUse', pattern: /(?:^|desc = )image \S+ is mounted as volume to container with ID: [\w-]+(?:$|")/ },
  { reason: 'InUse', pattern: new RegExp(`${conflict}image is being used by (?:running|stopped) container \\w+$`) },
  { reason: 'InUse', pattern: new RegExp(`${conflict}container \\w+ is using its referenced image \\w+$`) },
  {
    reason: 'HasChildren',
    pattern: new RegExp(`${conflict}image has dependent child images$`),
    advice: 'a later run removes it when the images that are built on it are gone',
  },
  {
    reason: 'HasSeveralNames',
    pattern: new RegExp(`${conflict}image is referenced in multiple repositories$`),
    advice: 'the runtime removes it only when it has one name: remove the others ("docker rmi NAME")',
  },
];

/** The messages of a call that the runtime did not answer in time (gRPC), or whose own deadline passed. */
const outOfTime = /DeadlineExceeded|context deadline exceeded|gave no (?:whole )?answer within/;

/** True if the runtime gave no answer in time. */
export function hasTimedOut(outcome: Outcome): boolean {
  return outcome.kind === 'failed' && outcome.reason === 'RemovalTimedOut';
}

/** True if an image is or may be removed. */
export function mayBeGone({ kind }: Outcome): boolean {
  return kind === 'removed' || kind === 'unknown';
}

/**
 * Judges the removal of an image by the answer of the runtime and a list afterwards, because a failed request may have
 * removed the image.
 */
export function judgeRemoval(id: string, { timedOut, complaints }: RemovalAnswer, isStillThere: boolean): Outcome {
  if (!isStillThere) return { kind: 'removed' };
  const own = complaints.find(({ imageId }) => imageId === id)?.message;
  const refusal = own === undefined ? undefined : judgeRefusal(own);
  if (refusal !== undefined) return refusal;
  const general = complaints.find(({ imageId }) => imageId === undefined)?.message;
  const message = own ?? general ?? 'the runtime reported success, but still lists the image';
  // Other images of the batch may have run out of time, so a complaint about this image takes precedence.
  const ranOutOfTime = own === undefined ? timedOut && general !== undefined : outOfTime.test(own);
  return { kind: 'failed', reason: ranOutOfTime ? 'RemovalTimedOut' : 'RemovalFailed', message };
}

function judgeRefusal(message: string): Outcome | undefined {
  const refusal = refusals.find(({ pattern }) => pattern.test(message));
  if (refusal === undefined) return undefined;
  const { reason, advice } = refusal;
  return { kind: 'skipped', reason, message: advice === undefined ? message : `${message}; ${advice}` };
}
