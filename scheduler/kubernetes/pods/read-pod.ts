import type { V1ContainerState, V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { annotation, label } from '../../../contract/labels.ts';
import { unpackReferences } from '../../../contract/packed-references.ts';
import { cleanerContainer } from '../../cleanup/pod.ts';
import type { ContainerState, PodContainer, RunPod } from '../../objects.ts';
import { SharedValues } from '../../prepull/states/shared-values.ts';
import { podName } from '../../run/names.ts';
import { instantOf } from '../instant.ts';

/** Reads a pod of a run; undefined if it is not such a pod. */
export function readPod(object: V1Pod): RunPod | undefined {
  const { name = '', labels = {}, annotations = {}, creationTimestamp, deletionTimestamp } = object.metadata ?? {};
  const run = labels[label.run];
  const node = object.spec?.nodeName ?? annotations[annotation.node];
  if (run === undefined || node === undefined) return undefined;
  return {
    name,
    run,
    node,
    attempt: attemptOf({ name, run, node }, annotations[annotation.attempt]),
    createdAt: instantOf(creationTimestamp),
    phase: phaseOf(object.status?.phase),
    deletionTimestamp: deletionTimestamp === undefined ? undefined : instantOf(deletionTimestamp),
    reason: object.status?.reason,
    message: object.status?.message,
    ...(labels[label.kind] === 'puller' ? readPuller(object) : readCleaner(object)),
  };
}

/** Reads the cleaner's container. Other containers may be injected into the pod. */
function readCleaner({ metadata, status }: V1Pod) {
  const containers = status?.containerStatuses ?? [];
  const state = containers.find(({ name }) => name === cleanerContainer)?.state;
  return {
    kind: 'cleaner',
    due: readDue(metadata?.annotations?.[annotation.removeReferences]),
    containerReason: state?.terminated?.reason ?? state?.waiting?.reason,
    containerMessage: state?.terminated?.message ?? state?.waiting?.message,
    exitCode: state?.terminated?.exitCode,
    hasOthersAtWork: containers.some(({ name, state }) => name !== cleanerContainer && state?.terminated === undefined),
  } as const;
}

/** Without the references that the pod was told, its report can't be read: then nothing is known of what it removed. */
function readDue(packed: string | undefined): readonly string[] | undefined {
  try {
    return packed === undefined ? undefined : unpackReferences(Buffer.from(packed, 'base64'));
  } catch {
    return undefined;
  }
}

/**
 * Reads all containers. The pod is pending for the kubelet until the last image is pulled, but it is at work before. A sidecar
 * that runs does not count: the kubelet ends it after the other containers.
 */
function readPuller(object: V1Pod) {
  const { spec, status } = object;
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const isSidecar = ({ name, state }: V1ContainerStatus) =>
    state?.waiting === undefined && sidecars.some((sidecar) => sidecar.name === name);
  const initStatuses = (status?.initContainerStatuses ?? []).filter((container) => !isSidecar(container));
  const statuses = [...initStatuses, ...(status?.containerStatuses ?? [])];
  const hasStopped = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  const containers = hasStopped ? readStopped(statuses) : statuses.flatMap(readContainer);
  const isAtWork = containers.some(({ state }) => state.type !== 'Waiting');
  const first = containers.find(({ state }) => state.type === 'Waiting')?.state;
  return {
    kind: 'puller',
    containers,
    startDelays: readStartDelays(object, containers),
    ...(isAtWork && status?.phase === 'Pending' && { phase: 'Running' as const }),
    ...(first?.type === 'Waiting' && { containerReason: first.reason, containerMessage: first.message }),
  } as const;
}

/** Thousands of pods may be held, with the same images. 2,000 are enough for those of some policies. */
const sharedContainers = new SharedValues<readonly PodContainer[]>(2_000);

/** The containers of a pod that has stopped. They are the same object for all pods with the same images and results. */
function readStopped(statuses: readonly V1ContainerStatus[]): readonly PodContainer[] {
  const containers = statuses.flatMap(readContainer).map(withoutTime);
  return sharedContainers.get(JSON.stringify(containers), () => containers);
}

/** Nobody waits for a pod that has stopped, so the times at which its containers ended do not matter. */
function withoutTime({ state, ...container }: PodContainer): PodContainer {
  if (state.type !== 'Terminated') return { ...container, state };
  const { finishedAt: _, ...end } = state;
  return { ...container, state: end };
}

const sharedDelays = new SharedValues<readonly (number | undefined)[]>(2_000);

/** See `startDelays` of {@link RunPod}. The times of the kubelet are in whole seconds, so many containers have the same one. */
function readStartDelays({ spec, status }: V1Pod, containers: readonly PodContainer[]): RunPod['startDelays'] {
  const statuses = new Map(status?.containerStatuses?.map((container) => [container.name, container]));
  const initStatuses = status?.initContainerStatuses ?? [];
  const ends = initStatuses.flatMap(({ state }) => secondsOf(state?.terminated?.finishedAt) ?? []);
  const inOrder = (spec?.containers ?? []).flatMap(({ name }) => {
    const { terminated, running } = statuses.get(name)?.state ?? {};
    const time = secondsOf(terminated?.startedAt ?? running?.startedAt);
    return time === undefined ? [] : [{ name, time }];
  });
  const sorted = inOrder.toSorted((one, other) => one.time - other.time);
  const before = [ends.at(-1), ...sorted.map(({ time }) => time)];
  const delays = new Map(sorted.map(({ name, time }, place) => [name, delayBetween(before[place], time)]));
  const read = containers.map(({ name }) => delays.get(name));
  return sharedDelays.get(read.join(), () => read);
}

function delayBetween(before: number | undefined, time: number): number | undefined {
  return before === undefined ? undefined : Math.max(0, time - before);
}

/** The kubelet writes the zero time for a container whose start it did not see. */
function secondsOf(time: Date | string | null | undefined): number | undefined {
  const seconds = time === undefined || time === null ? 0 : instantOf(time).getTime() / 1_000;
  return seconds > 0 ? seconds : undefined;
}

/** Leaves out a container without a state, because the kubelet has reported nothing about it. */
function readContainer({ name, imageID, state }: V1ContainerStatus): PodContainer[] {
  const known = state && readState(state);
  return known === undefined ? [] : [{ name, imageId: imageID || undefined, state: known }];
}

function readState({ waiting, running, terminated }: V1ContainerState): ContainerState | undefined {
  if (terminated !== undefined) {
    const { reason, exitCode, finishedAt, message } = terminated;
    // The kubelet writes the zero time for a container whose end it did not see.
    const at = finishedAt === undefined || finishedAt === null ? undefined : instantOf(finishedAt);
    return { type: 'Terminated', reason, exitCode, finishedAt: at, message };
  }
  if (running !== undefined) return { type: 'Running' };
  return waiting && { type: 'Waiting', reason: waiting.reason ?? '', message: waiting.message ?? '' };
}

/** The number of tries to compare with the name of a pod whose annotation was changed. */
const maxAttempts = 100;

/** The number of the try of a pod. The name of the pod proves it, because somebody may have changed the annotation. */
function attemptOf({ name, run, node }: Pick<RunPod, 'name' | 'run' | 'node'>, text = '0'): number {
  const noted = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  const tries = [noted, ...Array.from({ length: maxAttempts }, (_, attempt) => attempt)];
  return tries.find((attempt) => podName(run, node, attempt) === name) ?? noted;
}

/** Reads the phase. Unknown means that the node does not answer, so the pod may still run. */
function phaseOf(phase: string | undefined): RunPod['phase'] {
  return phase === 'Running' || phase === 'Succeeded' || phase === 'Failed'
    ? phase
    : phase === 'Unknown'
      ? 'Running'
      : 'Pending';
}
