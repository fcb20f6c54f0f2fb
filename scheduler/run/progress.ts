import { cutText } from '../../contract/text.ts';
import type { DiskMeasure } from './disk-measure.ts';

const maxMessageLength = 300;

export type NodeResult = 'Succeeded' | 'Failed' | 'Skipped';

/** The tries of a run on one node. */
export interface Tries {
  /** The number of pods that are known to be created for it. */
  readonly attempts: number;
  /** The number of these pods that the kubelet did not admit, because the node had no room. */
  readonly rejections: number;
  /** The number of these pods that did their part of the work, so that a further pod followed. */
  readonly parts: number;
  /** Set if the newest of these pods did its part: it has no further result, also while the next pod can't be created. */
  readonly isPartDone?: true;
  /** The memory of the kind about the node, see `PodResult`. A settled node has none. */
  readonly memory?: unknown;
}

/** The cause of a pause or of a result, as a word and as a sentence. A long record keeps only the word. */
export interface Cause {
  readonly reason: string;
  readonly message?: string | undefined;
}

/** No pod was created yet, and the record has none. */
interface Waiting extends Tries {
  readonly state: 'Waiting';
}

/** The record has the next pod, and the writer of the record may create it. `trouble` is the error of the pod before. */
interface Reserved extends Tries {
  readonly state: 'Reserved';
  readonly trouble?: Cause | undefined;
}

/** The record had the next pod, but it could not be created. `retryAt`: the next try, in milliseconds since the epoch. */
interface Refused extends Tries, Cause {
  readonly state: 'Refused';
  readonly retryAt: number;
}

/** The newest pod was created, and its end is not known yet. */
interface Started extends Tries {
  readonly state: 'Started';
}

/** The newest pod did its part, and the next one follows. `retryAt`: its earliest time, in milliseconds since the epoch. */
interface Continuing extends Tries {
  readonly state: 'Continuing';
  readonly retryAt: number;
}

/** The newest pod did not do its work. `retryAt`: the earliest time of the next pod, in milliseconds since the epoch. */
export interface BackingOff extends Tries, Cause {
  readonly state: 'BackingOff';
  readonly retryAt: number;
}

/** The reason of a node that was lost while a pod was at work there. It mostly comes back by itself. */
export const nodeLost = 'NodeLost';

/** The end of a run on a node, without its result. A node that succeeded may have a cause too, as a remark. */
export interface Ending {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  /** The figures of the node. Only the kind of its run can read them. */
  readonly tally?: unknown;
  /** The disk of the node, if a pod has measured it. A record of many nodes has only the fullest of them. */
  readonly disk?: DiskMeasure | undefined;
}

/** The run has ended on the node. */
export interface Settled extends Tries, Ending {
  readonly state: 'Settled';
  readonly result: NodeResult;
}

/** The progress of a run on one node. */
export type NodeProgress = Waiting | Reserved | Refused | Started | Continuing | BackingOff | Settled;

/** The progress of a node without any known facts. */
export const waiting: NodeProgress = { state: 'Waiting', attempts: 0, rejections: 0, parts: 0 };

export function reserved(before: Tries, trouble?: Cause): NodeProgress {
  if (trouble === undefined) return { state: 'Reserved', ...triesOf(before) };
  const { reason, message } = trouble;
  return { state: 'Reserved', ...triesOf(before), trouble: { reason, message } };
}

/** The next pod could not be created. This does not count as a try. */
export function refused(before: Tries, { reason, message }: Cause, retryAt: number): NodeProgress {
  return { state: 'Refused', ...triesOf(before), reason, message: shortenMessage(message), retryAt };
}

/** The newest pod was created for the try `attempt`, counted from 0. */
export function started(before: Tries, attempt: number): NodeProgress {
  const { isPartDone: _, ...tries } = triesOf(before);
  return { state: 'Started', ...tries, attempts: attempt + 1 };
}

/** The newest pod did its part, and the next pod follows from `retryAt` on. This does not count as a try. */
export function continuing(before: Tries, retryAt: number): NodeProgress {
  return { state: 'Continuing', ...triesOf(before), isPartDone: true, retryAt };
}

export function backingOff(before: Tries, { reason, message }: Cause, retryAt: number): NodeProgress {
  return { state: 'BackingOff', ...triesOf(before), reason, message: shortenMessage(message), retryAt };
}

export function settled(before: Tries, result: NodeResult, end: Ending = {}): Settled {
  const { reason, message, tally, disk } = end;
  const { attempts, rejections, parts } = before;
  const cause = { reason, message: shortenMessage(message) };
  return { state: 'Settled', attempts, rejections, parts, result, ...cause, tally, ...(disk && { disk }) };
}

/** The result on the node; undefined until the run has ended there. */
export function resultOf(progress: NodeProgress): NodeResult | undefined {
  return progress.state === 'Settled' ? progress.result : undefined;
}

/** The cause of the wait of a node; undefined without an error, or if the node is settled. */
export function troubleOf(progress: NodeProgress): Cause | undefined {
  if (progress.state === 'Reserved') return progress.trouble;
  return progress.state === 'Refused' || progress.state === 'BackingOff' ? progress : undefined;
}

/** The earliest next try, in milliseconds since the epoch; undefined if the node does not wait for an instant. */
export function retryAtOf(progress: NodeProgress): number | undefined {
  switch (progress.state) {
    case 'Refused':
    case 'Continuing':
    case 'BackingOff':
      return progress.retryAt;
    default:
      return undefined;
  }
}

function triesOf({ attempts, rejections, parts, isPartDone, memory }: Tries): Tries {
  return {
    attempts,
    rejections,
    parts,
    ...(isPartDone && { isPartDone }),
    ...(memory !== undefined && { memory }),
  };
}

/** Shortens a message: a record holds one for each node, and the API server refuses a record above 1 MiB. */
export function shortenMessage(message: string | undefined): string | undefined {
  return message === undefined ? undefined : cutText(message, maxMessageLength);
}
