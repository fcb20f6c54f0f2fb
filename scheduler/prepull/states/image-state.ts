import type { PullCause } from './reasons.ts';

/** The state of an image on a node, as far as pullers have shown it. */
export type ImageState =
  /** The runtime has the image. `digest` is that of its manifest, if the runtime knows one. */
  | { readonly state: 'Present'; readonly digest?: string | undefined }
  /** The kubelet has not come to the image yet, pulls it, or waits because of its own limits. */
  | { readonly state: 'Pulling' }
  /** The last pull failed. Until the pod ends, the kubelet tries again. `isAbsent`: the node is known not to have the image. */
  | { readonly state: 'Failed'; readonly cause: PullCause; readonly isAbsent?: true | undefined }
  /** The last pull failed, but the runtime has the image from an earlier pull. */
  | { readonly state: 'Stale'; readonly cause: PullCause; readonly digest?: string | undefined }
  /** The pod ended, and nothing shows how far the pull was. */
  | { readonly state: 'Unknown' };

export type ImageStates = ReadonlyMap<number, ImageState>;

/**
 * Adds the states that a pod shows now to those that are remembered. A container that waits or whose state is lost shows
 * nothing new, so the last result of its image stays.
 */
export function remember(before: ImageStates, now: ImageStates): ImageStates {
  const newer = [...now].map(([index, state]) => [index, newest(before.get(index), state)] as const);
  return new Map([...before, ...newer]);
}

/**
 * Adds what a pod shows that pulls nothing: an image whose last pull failed is on the node all the same, or not. The cause of the
 * failure stays.
 */
export function rememberFound(before: ImageStates, now: ImageStates, absent: ReadonlySet<number>): ImageStates {
  const newer = [...now].map(([index, state]) => {
    const known = before.get(index);
    if (known?.state !== 'Failed' && known?.state !== 'Stale') return [index, newest(known, state)] as const;
    return [index, found(known, state, absent.has(index))] as const;
  });
  return new Map([...before, ...newer]);
}

function found(known: Extract<ImageState, { cause: PullCause }>, now: ImageState, isAbsent: boolean): ImageState {
  const { cause } = known;
  if (isAbsent) return { state: 'Failed', cause, isAbsent };
  return now.state === 'Present' ? { ...now, state: 'Stale', cause } : known;
}

function newest(before: ImageState | undefined, now: ImageState): ImageState {
  switch (now.state) {
    case 'Failed':
      return now;
    case 'Present':
      return now.digest === undefined && before?.state === 'Present' ? before : now;
    case 'Stale':
      return now;
    case 'Pulling':
    case 'Unknown':
      return before === undefined || before.state === 'Pulling' || before.state === 'Unknown' ? now : before;
    default:
      return now satisfies never;
  }
}
