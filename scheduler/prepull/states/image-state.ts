import type { PullCause } from './reasons.ts';

/** The state of an image on a node, as far as pullers have shown it. */
export type ImageState =
  /** The runtime has the image. `digest` is that of its manifest, if the runtime knows one. */
  | { readonly state: 'Present'; readonly digest?: string | undefined }
  /** The kubelet has not come to the image yet, pulls it, or waits because of its own limits. */
  | { readonly state: 'Pulling' }
  /** The last pull failed. Until the pod ends, the kubelet tries again. */
  | { readonly state: 'Failed'; readonly cause: PullCause }
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

function newest(before: ImageState | undefined, now: ImageState): ImageState {
  switch (now.state) {
    case 'Failed':
      return now;
    case 'Present':
      return now.digest === undefined && before?.state === 'Present' ? before : now;
    case 'Pulling':
    case 'Unknown':
      return before?.state === 'Present' || before?.state === 'Failed' ? before : now;
    default:
      return now satisfies never;
  }
}
