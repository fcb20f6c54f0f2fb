import { formatBytes } from '../../../contract/bytes.ts';
import { type Prepared, parsePrepared } from '../../../contract/prepared.ts';
import type { PodContainer, RunPod } from '../../objects.ts';
import { hasStopped, lacksRoom } from '../../pods/state.ts';
import type { PodResult } from '../../run/kind.ts';
import type { Ending } from '../../run/progress.ts';
import { leftByEarlier } from '../held.ts';
import type { PrepullPolicy } from '../policy.ts';
import { removalResult } from '../removal/pod-result.ts';
import { isUsed, type Removals } from '../removal/removals.ts';
import { indexOfContainer, prepareContainer } from '../states/container-names.ts';
import { describeMissing } from '../states/describe-missing.ts';
import { type ImageState, type ImageStates, remember, rememberFound } from '../states/image-state.ts';
import { absentImages, readImages } from '../states/images-of-pod.ts';
import { isFinal } from '../states/reasons.ts';
import { isComplete, type Tally, tallyOf } from '../tally.ts';
import { imagesOf } from '../wanted.ts';
import { isToRemove, type PullerFacts, tallyFor } from './facts.ts';
import { continueRefused, refusePulls, resultOfRefused } from './full-disk.ts';
import { memoryOf, type NodeMemory, noRemovals } from './memory.ts';
import { leftOn } from './next-images.ts';

/** A puller with what it shows of its images (`own`), and what is known of the node with it. */
interface Puller {
  readonly pod: RunPod;
  readonly own: ImageStates;
  readonly memory: NodeMemory;
}

/** Reads the result of a pod of a run over lists: of a puller, or of the cleaner that removes what no list wants. */
export function podResult(pod: RunPod, facts: PullerFacts): PodResult {
  return pod.kind === 'cleaner' ? removerResult(pod, facts) : pullerResult(pod, facts);
}

function removerResult(pod: RunPod, facts: PullerFacts): PodResult {
  const { run, before, now } = facts;
  const memory = memoryOf(before);
  const result = removalResult(pod, memory, now);
  if (result.kind !== 'Over') return result;
  const { removals } = result;
  if (memory.tooFull !== undefined) return resultOfRefused(withRemovals(memory, removals), facts);
  return verdict(tallyOf(memory.over, memory.states, removals), run.spec);
}

function withRemovals(memory: NodeMemory, removals: Removals): NodeMemory {
  return { ...memory, removing: { tries: memory.removing?.tries ?? [], removals } };
}

/**
 * Reads the result of a puller from its status. Remembers each failure when it is seen, because the kubelet forgets them when
 * the pod ends. The node is done when each image of each part is present or can't be pulled.
 */
export function pullerResult(pod: RunPod, facts: PullerFacts): PodResult {
  if (lacksRoom(pod)) return { kind: 'Rejected', message: [pod.reason, pod.message].filter(Boolean).join(': ') };
  const puller = readPuller(pod, facts);
  const { own, memory } = puller;
  const failure = failureBeforePulls(pod);
  if (failure !== undefined) return resultOfFailure(failure, puller, facts);
  if (own.size === 0) return hasStopped(pod) ? lost(puller) : { kind: 'Active', memory };
  if (hasStopped(pod)) return resultOfStopped(puller, facts);
  const until = patienceOf(puller, facts.run.spec);
  const isWaiting = [...own.values()].some((state) => isOpen(state, memory)) || endsByItself(puller);
  if (isWaiting && (until === undefined || facts.now < until)) return { kind: 'Active', memory, until };
  const untilAlone = waitForOthers(puller, facts);
  if (untilAlone !== undefined) return { kind: 'Active', memory, until: untilAlone };
  return finishPart(withTimeouts(puller, facts.run.spec), facts);
}

/** The time in milliseconds that an injected container has to end after those of the images, so that the pod can be held. */
const injectedPatienceMs = 30_000;

/** The end of the wait for injected containers; undefined if there is nothing to wait for. */
function waitForOthers(puller: Puller, { run, now }: PullerFacts): Date | undefined {
  const { pod, own } = puller;
  const areAllPresent = [...own.values()].every(({ state }) => state === 'Present');
  if (!run.spec.hold || !areAllPresent || injectedIn(pod).length === 0) return undefined;
  const until = new Date(lastChangeOf(pod) + injectedPatienceMs);
  return now < until ? until : undefined;
}

/** The ending of a node whose run ends before its pullers do: the figures so far, and the first cause that is remembered. */
export function pullerEnding(facts: PullerFacts): Ending {
  const tally = tallyFor(memoryOf(facts.before), facts);
  const hasCause = [...tally.images.values()].some((state) => 'cause' in state);
  return hasCause ? { ...describeMissing(tally.images, facts.run.spec), tally } : { tally };
}

function readPuller(pod: RunPod, { before }: PullerFacts): Puller {
  const own = readImages(pod);
  const known = memoryOf(before);
  const isPulling = known.holding === undefined;
  const states = isPulling ? remember(known.states, own) : rememberFound(known.states, own, absentImages(pod));
  return { pod, own, memory: { ...known, states } };
}

/** The end of the first container, if it failed, so that the kubelet pulled nothing. */
function failureBeforePulls({ containers = [] }: RunPod): Exclude<Prepared, { outcome: 'Ready' }> | undefined {
  const state = containers.find(({ name }) => name === prepareContainer)?.state;
  if (state?.type !== 'Terminated' || state.exitCode === 0) return undefined;
  const prepared = parsePrepared(state.message ?? '');
  if (prepared !== undefined && prepared.outcome !== 'Ready') return prepared;
  const words = [state.reason, state.message].filter(Boolean).join(': ');
  return { version: 1, outcome: 'Failed', message: `exit code ${state.exitCode}${words && `: ${words}`}` };
}

function resultOfFailure(
  failure: Exclude<Prepared, { outcome: 'Ready' }>,
  { pod, memory }: Puller,
  facts: PullerFacts,
): PodResult {
  if (failure.outcome === 'Failed') {
    const message = `the first container of pod ${pod.name} failed before any image was pulled: ${failure.message}`;
    return { kind: 'NotDone', reason: 'NotPrepared', message, memory };
  }
  const { usedPercent, maxPercent, availableBytes, capacityBytes } = failure;
  const space = `${formatBytes(availableBytes)} of ${formatBytes(capacityBytes)} are available`;
  const message = `the disk is ${usedPercent} % full, and disk.maxPercent is ${maxPercent} (${space}): nothing was pulled`;
  return refusePulls(message, memory, facts);
}

/** True if the image may still become present while its pod runs. A pod that only holds images pulls none again. */
function isOpen(state: ImageState, { holding }: NodeMemory): boolean {
  if (state.state !== 'Failed') return state.state !== 'Present';
  return holding === undefined && !isFinal(state.cause);
}

/** A pod that has stopped shows no more. Its own end tells if images are missing because it was ended. */
function resultOfStopped(puller: Puller, facts: PullerFacts): PodResult {
  const { pod, own, memory } = puller;
  const isEnded = [...own.values()].some(({ state }) => state !== 'Present');
  if (!isEnded || memory.holding !== undefined) return finishPart(puller, facts);
  if (pod.reason !== 'DeadlineExceeded') return lost(puller);
  const tally = tallyFor(memory, facts);
  const { message } = describeMissing(tally.images, facts.run.spec);
  const limit = `not finished within activeDeadlineSeconds (${facts.run.spec.activeDeadlineSeconds})`;
  const words = [limit, message].filter(Boolean).join(': ');
  return { kind: 'Done', result: 'Failed', reason: 'DeadlineExceeded', message: words, tally };
}

/** The pod ended before its images were there, so a further one may try again. */
function lost({ pod, memory }: Puller): PodResult {
  const isDeleted = pod.deletionTimestamp !== undefined;
  const reason = pod.reason ?? (isDeleted ? 'PodDeleted' : 'PullerEnded');
  const words = `pod ${pod.name} ${isDeleted ? 'was deleted' : 'ended'} before its images were present`;
  return { kind: 'NotDone', reason, message: pod.message ? `${words}: ${pod.message}` : words, memory };
}

/**
 * True if the pod is about to stop without help: the containers of the images have ended or run their last instruction, and no
 * other container, which somebody has injected, keeps the pod running.
 */
function endsByItself({ pod }: Puller): boolean {
  const { containers = [] } = pod;
  return containers.every(
    ({ name, state }) =>
      state.type === 'Terminated' || (state.type === 'Running' && indexOfContainer(name) !== undefined),
  );
}

/** The names of the containers that somebody has injected, and that have not ended. */
function injectedIn({ containers = [] }: RunPod): readonly string[] {
  const others = containers.filter(({ name }) => name !== prepareContainer && indexOfContainer(name) === undefined);
  return others.filter(({ state }) => state.type !== 'Terminated').map(({ name }) => name);
}

/**
 * The time at which images without a result have failed: `imagePullTimeoutSeconds` for each of them, after the last change.
 * Undefined until the kubelet has begun with them. The kubelet goes through all containers of a pod, image after image, before
 * it reports any of them, so a slow pull keeps the results of all others back.
 */
function patienceOf({ pod, own }: Puller, { imagePullTimeoutSeconds }: PrepullPolicy): Date | undefined {
  const { containers = [] } = pod;
  if (!containers.some(isPrepared)) return undefined;
  const unreported = [...own.values()].filter(({ state }) => state === 'Pulling').length;
  const limitMs = Math.max(1, unreported) * imagePullTimeoutSeconds * 1_000;
  return new Date(lastChangeOf(pod) + limitMs);
}

/** The time at which the last container of a pod has ended, or else the pod was created, in milliseconds. */
function lastChangeOf({ createdAt, containers = [] }: RunPod): number {
  const ends = containers.flatMap(({ state }) =>
    state.type === 'Terminated' && state.finishedAt !== undefined ? [state.finishedAt.getTime()] : [],
  );
  return Math.max(createdAt.getTime(), ...ends);
}

function isPrepared({ name, state }: PodContainer): boolean {
  return name === prepareContainer && state.type === 'Terminated';
}

/** Gives a cause to the images that got no result in time. */
function withTimeouts(puller: Puller, { imagePullTimeoutSeconds }: PrepullPolicy): Puller {
  const message = `no result within imagePullTimeoutSeconds (${imagePullTimeoutSeconds})`;
  const timedOut: ImageState = { state: 'Failed', cause: { reason: 'PullFailed', message } };
  const { own, memory } = puller;
  const states = [...memory.states].map(([index, known]): [number, ImageState] => [
    index,
    own.get(index)?.state === 'Pulling' && known.state === 'Pulling' ? timedOut : known,
  ]);
  return { ...puller, memory: { ...memory, states: new Map(states) } };
}

/**
 * Ends the part of a puller: a further pod holds its images, or pulls the next part, or the node is done. A pod that has
 * stopped holds its images itself. Another must be deleted, because its other containers would be tried without end.
 */
function finishPart(puller: Puller, facts: PullerFacts): PodResult {
  const { run, node } = facts;
  const { pod, own, memory } = puller;
  if (memory.tooFull !== undefined) return continueRefused(pod, own, memory, facts);
  const over = [...new Set([...memory.over, ...own.keys()])].sort((one, other) => one - other);
  const done = { states: memory.states, over };
  const holding = imagesToHold(puller, facts);
  if (holding.length > 0) return { kind: 'Continue', memory: { ...done, holding } };
  const injected = hasStopped(pod) ? [] : injectedIn(pod);
  if (node !== undefined && leftOn(node, run.spec, done).length > 0) return { kind: 'Continue', memory: done };
  if (memory.removing !== undefined || isToRemove(done, facts))
    return { kind: 'Continue', memory: { ...done, removing: memory.removing ?? noRemovals } };
  const result = verdict(tallyOf(over, done.states), run.spec);
  return run.spec.hold && injected.length > 0 ? withNotHeld(result, { pod, injected }) : result;
}

/** Adds to a success that nothing is held. */
function withNotHeld(result: PodResult, { pod, injected }: { pod: RunPod; injected: readonly string[] }): PodResult {
  if (result.kind !== 'Done' || result.result !== 'Succeeded') return result;
  const names = injected.join(', ');
  const message = `the images are present but not held: pod ${pod.name} was deleted, because a container that was injected into it (${names}) does not end; keep the injector away from the namespace or from the pod`;
  return { ...result, reason: result.reason ?? 'NotHeld', message: result.message ?? message };
}

/**
 * The images of a further pod that pulls nothing: those that this pod would have held, and those that could not be pulled, but may be
 * there from an earlier run. An older pod may hold them, and can go only if a newer one does. If some are not there, the pod does
 * not end, so another one holds the rest.
 */
function imagesToHold({ pod, own, memory }: Puller, { run, earlier }: PullerFacts): readonly number[] {
  if (hasStopped(pod)) return [];
  // The same containers would be injected into a pod that only holds images.
  const canHold = run.spec.hold && injectedIn(pod).length === 0;
  const ran = canHold ? endedImages(pod) : [];
  if (memory.holding !== undefined) return ran.length < memory.holding.length ? ran : [];
  const failed = [...own.keys()].filter((index) => memory.states.get(index)?.state === 'Failed');
  if (failed.length === 0 || earlier === undefined) return ran;
  const left = leftByEarlier(earlier());
  const images = imagesOf(run.spec);
  const mayBeThere = failed.filter((index) => left.has(images[index] ?? ''));
  return [...ran, ...mayBeThere].sort((one, other) => one - other);
}

/** The images whose containers have ended, so that they hold them as long as their pod is there. */
function endedImages({ containers = [] }: RunPod): readonly number[] {
  return containers.flatMap(({ name, state }) => {
    const index = indexOfContainer(name);
    const hasEnded = state.type === 'Terminated' && state.reason !== 'ContainerStatusUnknown';
    return index !== undefined && hasEnded ? [index] : [];
  });
}

const notRemoved = 'could not be removed; the log of the pod has the cause, and the next refresh tries again';
const stillUsed = 'is to be removed and is still in use; the next refresh tries again';

function describeLeft([first, ...others]: readonly string[], words: string): string {
  return others.length === 0 ? `${first} ${words}` : `${first} and ${others.length} others: each ${words}`;
}

function verdict(tally: Tally, policy: PrepullPolicy): PodResult {
  if (!isComplete(tally)) return { kind: 'Done', result: 'Failed', ...describeMissing(tally.images, policy), tally };
  const removals = [...(tally.removals ?? [])];
  const failed = removals.filter(([, { kind }]) => kind === 'Failed').map(([reference]) => reference);
  if (failed.length > 0)
    return {
      kind: 'Done',
      result: 'Failed',
      reason: 'RemovalsFailed',
      message: describeLeft(failed, notRemoved),
      tally,
    };
  const used = removals.filter(([, outcome]) => isUsed(outcome)).map(([reference]) => reference);
  if (used.length > 0)
    return { kind: 'Done', result: 'Succeeded', reason: 'ImagesInUse', message: describeLeft(used, stillUsed), tally };
  return { kind: 'Done', result: 'Succeeded', tally };
}
