import type { PodContainer, RunPod } from '../../objects.ts';
import { indexOfContainer } from './container-names.ts';
import type { ImageState } from './image-state.ts';
import { readCause, type Waiting } from './reasons.ts';

/** The states of the images of a puller, by the index of each image in its policy. */
export function readImages({ containers = [] }: Pick<RunPod, 'containers'>): ReadonlyMap<number, ImageState> {
  return new Map(
    containers.flatMap((container): [number, ImageState][] => {
      const index = indexOfContainer(container.name);
      return index === undefined ? [] : [[index, readState(container)]];
    }),
  );
}

/**
 * The images that the kubelet has looked for on the node and not found, by index: those of a pod that may not pull them. An image
 * that was pulled with other credentials is there, but refused in other words.
 * @see https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/images/image_manager.go `EnsureImageExists`
 */
export function absentImages({ containers = [] }: Pick<RunPod, 'containers'>): ReadonlySet<number> {
  const isAbsent = ({ state }: PodContainer) =>
    state.type === 'Waiting' &&
    state.reason === 'ErrImageNeverPull' &&
    state.message.includes('is not present with pull policy of Never');
  return new Set(containers.filter(isAbsent).flatMap(({ name }) => indexOfContainer(name) ?? []));
}

/**
 * The kubelet asks the runtime for the image, and pulls it if necessary, before it creates the container. So a container that
 * has got further proves the image, also if it then fails.
 * @see https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/kuberuntime/kuberuntime_container.go `startContainer`
 */
function readState({ imageId, state }: PodContainer): ImageState {
  switch (state.type) {
    case 'Running':
      return present(imageId);
    case 'Terminated':
      return state.reason === lostStatus ? { state: 'Unknown' } : present(imageId);
    case 'Waiting':
      return readWaiting(state, imageId);
    default:
      return state satisfies never;
  }
}

/** The kubelet overwrites the state of a container that did not end with this when the pod ends. */
const lostStatus = 'ContainerStatusUnknown';

/** Reasons of a container that waits for the sandbox, for the first container of the pod, or for its pull. */
const beforePull: ReadonlySet<string> = new Set(['', 'ContainerCreating', 'PodInitializing']);

/** Reasons of a container that could not be created or started from an image that is there. */
const afterPull: ReadonlySet<string> = new Set([
  'CreateContainerConfigError',
  'CreateContainerError',
  'PreCreateHookError',
  'PreStartHookError',
  'PostStartHookError',
  'RunContainerError',
  'CrashLoopBackOff',
]);

function readWaiting(waiting: Waiting, imageId: string | undefined): ImageState {
  if (beforePull.has(waiting.reason)) return { state: 'Pulling' };
  if (afterPull.has(waiting.reason)) return present(imageId);
  const cause = readCause(waiting);
  return cause === undefined ? { state: 'Pulling' } : { state: 'Failed', cause };
}

/** `imageID` is a repository with the digest, or, for an image that was imported, the ID of its configuration. */
function present(imageId: string | undefined): ImageState {
  const [, digest] = /@(\w+:[0-9a-f]{32,})$/.exec(imageId ?? '') ?? [];
  return digest === undefined ? { state: 'Present' } : { state: 'Present', digest };
}
