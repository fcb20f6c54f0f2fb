import { messageOf } from '../../contract/errors.ts';
import type { ContainerState, PodContainer } from '../objects.ts';
import { prepareContainer } from '../prepull/states/container-names.ts';
import { type ImageService, ImageServiceError } from './image-service.ts';

/** A container of a puller. */
export interface PullerContainer {
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
}

/** The end of the first container. */
export interface Preparation {
  readonly exitCode: number;
  /** The termination message. */
  readonly message: string;
}

/** The parts of a node that a puller needs. */
export interface PullerNode {
  readonly images: ImageService;
  /** Runs the first container to its end. */
  prepare(signal: AbortSignal): Promise<Preparation>;
  /** Reports the new state of a container. */
  report(container: PodContainer): Promise<void>;
  now(): Date;
  /** Rejects if the signal is aborted. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** A puller with the states of its containers so far. */
export interface PullerWork {
  readonly containers: readonly PullerContainer[];
  readonly states: readonly PodContainer[];
}

/** The interval at which the kubelet looks at the containers of a pod that wait. */
const lookAgainMs = 1_000;
/** The pauses after a failed pull, which double: https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff. */
const firstPauseMs = 10_000;
const maxPauseMs = 300_000;

/** The last failure of a pull, and the pause after it. */
interface Failure {
  readonly waiting: Waiting;
  readonly pauseMs: number;
  readonly endsAt: number;
}

type Waiting = Extract<ContainerState, { type: 'Waiting' }>;

/**
 * Does what a kubelet does for a puller: runs the first container, and then brings the image of each container, one after the
 * other. A container ends as soon as its image is there, because its only work is to end. Rejects with the reason of the
 * signal if it is aborted.
 */
export async function runPuller(
  { containers, states }: PullerWork,
  node: PullerNode,
  signal: AbortSignal,
): Promise<'Succeeded' | 'Failed'> {
  const ended = new Set(states.filter(({ state }) => state.type === 'Terminated').map(({ name }) => name));
  if (!ended.has(prepareContainer) && !(await runFirst(node, signal))) return 'Failed';
  const failures = new Map<string, Failure>();
  for (;;) {
    for (const container of containers) {
      if (!ended.has(container.name) && (await tryContainer(container, { node, failures, signal })))
        ended.add(container.name);
    }
    if (containers.every(({ name }) => ended.has(name))) return 'Succeeded';
    await node.wait(lookAgainMs, signal);
  }
}

/** Runs the first container. Returns false if it failed, so that nothing may be pulled. */
async function runFirst(node: PullerNode, signal: AbortSignal): Promise<boolean> {
  await node.report({ name: prepareContainer, state: { type: 'Running' } });
  const { exitCode, message } = await node.prepare(signal);
  signal.throwIfAborted();
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  const state = { type: 'Terminated', reason, exitCode, finishedAt: node.now(), message } as const;
  await node.report({ name: prepareContainer, state });
  return exitCode === 0;
}

interface Tries {
  readonly node: PullerNode;
  readonly failures: Map<string, Failure>;
  readonly signal: AbortSignal;
}

/** Tries to bring the image of a container. Returns true if the container has ended. */
async function tryContainer(container: PullerContainer, { node, failures, signal }: Tries): Promise<boolean> {
  signal.throwIfAborted();
  const { name } = container;
  const before = failures.get(name);
  if (before !== undefined && node.now().getTime() < before.endsAt) {
    await node.report({ name, state: backOff(container, before) });
    return false;
  }
  const found = await bringImage(container, node.images, signal);
  if ('imageId' in found) {
    const state = { type: 'Terminated', reason: 'Completed', exitCode: 0, finishedAt: node.now() } as const;
    await node.report({ name, imageId: found.imageId, state });
    return true;
  }
  const pauseMs = Math.min(maxPauseMs, before === undefined ? firstPauseMs : 2 * before.pauseMs);
  failures.set(name, { waiting: found, pauseMs, endsAt: node.now().getTime() + pauseMs });
  await node.report({ name, state: found });
  return false;
}

/** The kubelet repeats the cause of a failed pull while it waits. A missing image that it may not pull has no pause. */
function backOff({ image }: PullerContainer, { waiting }: Failure): Waiting {
  if (waiting.reason !== 'ErrImagePull') return waiting;
  const message = `Back-off pulling image "${image}": ${waiting.reason}: ${waiting.message}`;
  return { type: 'Waiting', reason: 'ImagePullBackOff', message };
}

/** Finds or pulls an image, as its pull policy says. The reasons and messages are those of the kubelet. */
async function bringImage(
  { image, imagePullPolicy }: PullerContainer,
  images: ImageService,
  signal: AbortSignal,
): Promise<{ readonly imageId: string } | Waiting> {
  const present = imagePullPolicy === 'Always' ? undefined : await images.find(image).catch(failed);
  if (present instanceof ImageServiceError)
    return waiting('ImageInspectError', `Failed to inspect image "${image}": ${messageOf(present)}`);
  if (present !== undefined) return { imageId: present };
  if (imagePullPolicy === 'Never')
    return waiting('ErrImageNeverPull', `Container image "${image}" is not present with pull policy of Never`);
  const trouble = await images.pull(image, signal).catch(failed);
  if (trouble instanceof ImageServiceError) return waiting('ErrImagePull', trouble.message);
  const pulled = await images.find(image).catch(failed);
  if (typeof pulled === 'string') return { imageId: pulled };
  const why = pulled instanceof ImageServiceError ? messageOf(pulled) : 'it is gone after its pull';
  return waiting('ImageInspectError', `Failed to inspect image "${image}": ${why}`);
}

function waiting(reason: string, message: string): Waiting {
  return { type: 'Waiting', reason, message };
}

function failed(error: unknown): ImageServiceError {
  if (error instanceof ImageServiceError) return error;
  throw error;
}
