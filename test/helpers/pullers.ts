import type { ContainerState, PodContainer, RunPod } from '../../scheduler/objects.ts';
import { containerName, prepareContainer } from '../../scheduler/prepull/states/container-names.ts';
import { podName } from '../../scheduler/run/names.ts';
import { secondsLater, start } from './builders.ts';

/** A digest that differs for each index. */
export function digestOf(index: number): string {
  return `sha256:${index.toString(16).padStart(64, '0')}`;
}

/** The states of a container, by what the kubelet tells of it. */
export const state = {
  waiting: (reason = 'PodInitializing', message = ''): ContainerState => ({ type: 'Waiting', reason, message }),
  running: { type: 'Running' } as ContainerState,
  done: (seconds = 5): ContainerState => ({
    type: 'Terminated',
    reason: 'Completed',
    exitCode: 0,
    finishedAt: secondsLater(seconds),
  }),
  lost: { type: 'Terminated', reason: 'ContainerStatusUnknown', exitCode: 137 } as ContainerState,
  denied: { type: 'Waiting', reason: 'ErrImagePull', message: 'pull access denied' } as ContainerState,
  unreachable: {
    type: 'Waiting',
    reason: 'ErrImagePull',
    message: 'dial tcp 127.0.0.1:5000: connect: connection refused',
  } as ContainerState,
  /** An image that the pod may not pull, and that is not there. */
  absent: {
    type: 'Waiting',
    reason: 'ErrImageNeverPull',
    message: 'Container image "a:1" is not present with pull policy of Never',
  } as ContainerState,
  /** An image that the pod may not pull, and that was pulled with other credentials. */
  refused: {
    type: 'Waiting',
    reason: 'ErrImageNeverPull',
    message: 'Container image "a:1" is present with pull policy of Never but does not have the proper auth',
  } as ContainerState,
  wrongPlatform: {
    type: 'Waiting',
    reason: 'ErrImagePull',
    message: 'no match for platform in manifest: not found',
  } as ContainerState,
} as const;

/** The container of an image. One that has ended has an `imageID` with a digest. */
export function buildContainer(index: number, container: ContainerState): PodContainer {
  const hasRun = container.type === 'Running' || (container.type === 'Terminated' && container !== state.lost);
  const imageId = hasRun ? { imageId: `docker.io/acme/image-${index}@${digestOf(index)}` } : {};
  return { name: containerName(index), ...imageId, state: container };
}

/** The first container of a puller after it has ended. */
export function buildPrepared(end: Partial<Extract<ContainerState, { type: 'Terminated' }>> = {}): PodContainer {
  const ended = { type: 'Terminated', reason: 'Completed', exitCode: 0, finishedAt: secondsLater(2), ...end } as const;
  return { name: prepareContainer, state: ended };
}

/** A puller whose first container has ended, with the containers of images by index. */
export function buildPuller(containers: Readonly<Record<number, ContainerState>>, pod: Partial<RunPod> = {}): RunPod {
  const run = 'nightly-29540760';
  const images = Object.entries(containers).map(([index, container]) => buildContainer(Number(index), container));
  return {
    kind: 'puller',
    name: podName(run, 'a', 0),
    run,
    node: 'a',
    attempt: 0,
    createdAt: start,
    phase: 'Pending',
    containers: [buildPrepared(), ...images],
    ...pod,
  };
}
