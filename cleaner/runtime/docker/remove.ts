import { setTimeout as sleep } from 'node:timers/promises';
import type { RemovalAnswer, RemovalComplaint, RemovalEnds, UntagPermits } from '../runtime.ts';
import { attempt, type Connection } from './call.ts';
import { DockerError } from './error.ts';
import { hasSeveralNames, untagOne } from './untag.ts';

/** Seconds without an answer after which the next removals no longer wait for one that hangs. */
const defaultPatienceSeconds = 10;
/** Maximum seconds for the first try of an image, because the next batch waits for its end. */
const firstTrySeconds = 120;
/** Maximum number of consecutive removals without an answer. After them Docker Engine counts as hung. */
const maxSilent = 4;

/** Used if the caller gives no signals. */
const never = new AbortController().signal;
const noEnds: RemovalEnds = { stop: never, giveUp: never };

type Complaint = RemovalComplaint & { readonly timedOut: boolean };
type Request = { readonly id: string; readonly names: readonly string[] | undefined; readonly ends: RemovalEnds };

/** Creates the function that removes images. A second try of an image that took too long gets the whole time. */
export function createRemover(connection: Connection, patienceSeconds = defaultPatienceSeconds) {
  const slow = new Set<string>();
  return async (ids: readonly string[], mayUntag: UntagPermits = new Map(), ends = noEnds): Promise<RemovalAnswer> => {
    const complaints: Complaint[] = [];
    const notAsked: string[] = [];
    const pending = new Set<Promise<void>>();
    let silent = 0;
    const remove = async (id: string) => {
      const seconds = slow.has(id) ? connection.seconds : Math.min(connection.seconds, firstTrySeconds);
      const complaint = await removeImage({ ...connection, seconds }, { id, names: mayUntag.get(id), ends });
      if (complaint !== undefined) complaints.push(complaint);
      if (complaint?.timedOut) slow.add(id);
      else silent = 0;
    };
    for (const id of ids) {
      if (ends.stop.aborted || silent >= maxSilent) {
        notAsked.push(id);
        continue;
      }
      const removal = remove(id).finally(() => pending.delete(removal));
      pending.add(removal);
      await endsWithin(patienceSeconds, removal, ends.stop);
      if (pending.has(removal)) silent++;
    }
    await Promise.all(pending);
    return { timedOut: false, complaints: complaints.map(withoutMark), ...(notAsked.length > 0 && { notAsked }) };
  };
}

/** Waits for a removal for a limited time. Ends at once when the run is stopped, because no other removal starts then. */
async function endsWithin(seconds: number, removal: Promise<void>, stop: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([stop, ended.signal]);
  await Promise.race([removal, sleep(seconds * 1_000, undefined, { signal }).catch(() => undefined)]);
  ended.abort();
}

function withoutMark({ timedOut: _, ...complaint }: Complaint): RemovalComplaint {
  return complaint;
}

/**
 * Removes an image by its ID, never with force. Docker Engine also removes untagged images on which it was built, unless a
 * container, a name or another image needs them: no list shows them, and they have most of the layers. If the image has
 * several names and all of them may be removed (`names`), it first removes the names until one is left.
 */
async function removeImage(connection: Connection, request: Request): Promise<Complaint | undefined> {
  const { id, names, ends } = request;
  const { docker, socket } = connection;
  const call = `DELETE /images/${id}`;
  const remove = () => docker.getImage(id).remove({ force: false, noprune: false });
  const ended = await attempt(connection, remove, ends.giveUp);
  if (!('problem' in ended)) return undefined;
  const { problem } = ended;
  if (problem.kind === 'Refused' && problem.status === 404) return undefined;
  const mayGoOn = names !== undefined && !ends.stop.aborted;
  if (mayGoOn && hasSeveralNames(problem) && (await untagOne(connection, id, names, ends.giveUp))) {
    return removeImage(connection, request);
  }
  const { message } = problem.kind === 'Refused' ? problem : new DockerError(socket, call, problem);
  return { imageId: id, message, timedOut: problem.kind === 'TimedOut' || problem.kind === 'Interrupted' };
}
