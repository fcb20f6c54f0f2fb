const maxMessageLength = 300;

export type NodeResult = 'Succeeded' | 'Failed' | 'Skipped';

/** The tries of a run on one node. */
export interface Tries {
  /** The number of pods created for it, as far as that is known. */
  readonly attempts: number;
  /** The number of them that the kubelet did not admit, because the node had no room. */
  readonly rejections: number;
}

/** The cause of a pause or of a result, in a word and in a sentence; a long record keeps the word alone. */
export interface Cause {
  readonly reason: string;
  readonly message?: string | undefined;
}

/** No pod was created yet, and none is on record. */
interface Waiting extends Tries {
  readonly state: 'Waiting';
}

/** The next pod is on record: whoever has written that may create it. `trouble` is what the pod before it met. */
interface Reserved extends Tries {
  readonly state: 'Reserved';
  readonly trouble?: Cause | undefined;
}

/** The next pod was on record and could not be created. `retryAt`: when to try again, in milliseconds since the epoch. */
interface Refused extends Tries, Cause {
  readonly state: 'Refused';
  readonly retryAt: number;
}

/** The newest pod was created, and how it ended is not known yet. */
interface Started extends Tries {
  readonly state: 'Started';
}

/** The newest pod did not do its work. `retryAt`: when the next one may come, in milliseconds since the epoch. */
export interface BackingOff extends Tries, Cause {
  readonly state: 'BackingOff';
  readonly retryAt: number;
}

/** The end of a run on a node, beside its result. A node that succeeded may have a cause too: a remark. */
export interface Ending {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  /** The figures of the node, which only the kind of its run can read. */
  readonly tally?: unknown;
}

/** The run is over on the node. */
export interface Settled extends Tries, Ending {
  readonly state: 'Settled';
  readonly result: NodeResult;
}

/** The progress of a run on one node. */
export type NodeProgress = Waiting | Reserved | Refused | Started | BackingOff | Settled;

/** A node of which nothing is known. */
export const waiting: NodeProgress = { state: 'Waiting', attempts: 0, rejections: 0 };

export function reserved(before: Tries, trouble?: Cause): NodeProgress {
  if (trouble === undefined) return { state: 'Reserved', ...triesOf(before) };
  const { reason, message } = trouble;
  return { state: 'Reserved', ...triesOf(before), trouble: { reason, message } };
}

/** Costs the node no try. */
export function refused(before: Tries, { reason, message }: Cause, retryAt: number): NodeProgress {
  return { state: 'Refused', ...triesOf(before), reason, message: brief(message), retryAt };
}

/** The newest pod is the one of that number, counted from 0. */
export function started(before: Tries, attempt: number): NodeProgress {
  return { state: 'Started', attempts: attempt + 1, rejections: before.rejections };
}

export function backingOff(before: Tries, { reason, message }: Cause, retryAt: number): NodeProgress {
  return { state: 'BackingOff', ...triesOf(before), reason, message: brief(message), retryAt };
}

export function settled(before: Tries, result: NodeResult, end: Ending = {}): Settled {
  const { reason, message, tally } = end;
  return { state: 'Settled', ...triesOf(before), result, reason, message: brief(message), tally };
}

/** Undefined while the run goes on there. */
export function resultOf(progress: NodeProgress): NodeResult | undefined {
  return progress.state === 'Settled' ? progress.result : undefined;
}

/** The cause for which the node waits; undefined where nothing went wrong, or the node is settled. */
export function troubleOf(progress: NodeProgress): Cause | undefined {
  if (progress.state === 'Reserved') return progress.trouble;
  return progress.state === 'Refused' || progress.state === 'BackingOff' ? progress : undefined;
}

/** When the node may be tried again, in milliseconds since the epoch; undefined where it waits for no instant. */
export function retryAtOf(progress: NodeProgress): number | undefined {
  return progress.state === 'Refused' || progress.state === 'BackingOff' ? progress.retryAt : undefined;
}

function triesOf({ attempts, rejections }: Tries): Tries {
  return { attempts, rejections };
}

/** A record holds a message for each node, and the API server takes no record above 1 MiB. */
export function brief(message: string | undefined): string | undefined {
  const isLong = message !== undefined && message.length > maxMessageLength;
  return isLong ? `${message.slice(0, maxMessageLength - 1)}…` : message;
}
