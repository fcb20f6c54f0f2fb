import { setTimeout as sleep } from 'node:timers/promises';
import type { RemovalAnswer, RemovalComplaint, RemovalEnds, UntagPermits } from '../runtime.ts';
import { attempt, type Connection } from './call.ts';
import { DockerError } from './error.ts';
import { hasSeveralNames, untagOne } from './untag.ts';

/** Seconds for which the others wait while a removal gives no answer: from then on they go beside it. */
const defaultPatienceSeconds = 10;
/** The first try of an image gets no more than so many seconds: the others of later batches wait for its end. */
const firstTrySeconds = 120;
/** After so many that give no answer, and none since that did, Docker Engine hangs: no others are asked for. */
const maxSilent = 4;

/** Never asks for what nobody needs any more. */
const never = new AbortController().signal;
const noEnds: RemovalEnds = { stop: never, giveUp: never };

type Complaint = RemovalComplaint & { readonly timedOut: boolean };
type Request = { readonly id: string; readonly names: readonly string[] | undefined; readonly ends: RemovalEnds };

/** Makes the remover of images of a Docker Engine; remembers those that took too long, and gives them all the time later. */
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

/** Waits for a removal, and no longer than that; not at all where the run is to stop, as nothing goes beside it then. */
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
 * Never with force. Untagged images that it was built on go with it, unless a container, a name or another image holds
 * them: no list shows them, and hardly a layer is freed while they are there. One that is gone needs no removal. One with
 * several names goes name by name, where all of these may go (`names`): by its ID in the end, as any other.
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
