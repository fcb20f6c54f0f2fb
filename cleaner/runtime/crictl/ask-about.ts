import type * as z from 'zod';
import { abbreviate, ask, type Caller } from './ask.ts';
import { CrictlError, type CrictlProblem } from './error.ts';
import { readComplaints } from './messages.ts';

/** Maximum number of IDs in a call, so that its answer has only a few megabytes: it has the whole configuration of each. */
const idsPerCall = 100;
/** Time for each object, because crictl reads one after the other. */
const secondsPerId = 1;

/** A call of crictl about objects, and the parser of its answer. */
export type Question<T> = { readonly args: readonly string[]; readonly schema: z.ZodType<readonly T[]> };

/**
 * Reads objects in calls with many IDs, and with fewer after an answer that is too long or too slow. Omits objects that the
 * runtime no longer has, because containers come and go all the time. Fails if an answer lacks an existing object.
 */
export async function askAbout<T extends { readonly id: string }>(
  caller: Caller,
  question: Question<T>,
  ids: readonly string[],
): Promise<readonly T[]> {
  const answers: T[] = [];
  for (let from = 0; from < ids.length; from += idsPerCall) {
    answers.push(...(await askAboutSome(caller, question, ids.slice(from, from + idsPerCall))));
  }
  return answers;
}

async function askAboutSome<T extends { readonly id: string }>(
  caller: Caller,
  question: Question<T>,
  ids: readonly string[],
): Promise<readonly T[]> {
  if (ids.length === 0) return [];
  try {
    return await askAboutAll(caller, question, ids);
  } catch (error) {
    const parts = splitAfter(error, ids);
    if (parts === undefined) throw error;
    const answers: T[] = [];
    for (const part of parts) answers.push(...(await askAboutSome(caller, question, part)));
    return answers;
  }
}

/** Reads all of these in one call, and fails if the answer lacks one. */
export async function askAboutAll<T extends { readonly id: string }>(
  { run, call }: Caller,
  { args, schema }: Question<T>,
  ids: readonly string[],
): Promise<readonly T[]> {
  const patient = { ...call, deadlineSeconds: call.deadlineSeconds + ids.length * secondsPerId };
  const answered = await ask({ run, call: patient }, [...args, ...ids], schema);
  const known = new Set(answered.map(({ id }) => id));
  const missing = ids.find((id) => !known.has(id));
  if (missing === undefined) return answered;
  const detail = `it lacks ${missing}`;
  throw new CrictlError(call.executable, abbreviate(args), { kind: 'Unreadable', detail });
}

/** The IDs to read again after a failed call; undefined if fewer IDs would not help. */
function splitAfter(error: unknown, ids: readonly string[]): readonly (readonly string[])[] | undefined {
  if (!(error instanceof CrictlError)) return undefined;
  const { problem } = error;
  if (isNotFound(problem)) return withoutGone(problem.stderr, ids);
  const isTooMuch = problem.kind === 'TooLong' || problem.kind === 'TimedOut';
  return isTooMuch && ids.length > 1 ? halve(ids) : undefined;
}

/** The runtime names the object that is gone, or only reports NotFound (containerd, for a sandbox). */
function withoutGone(stderr: string, ids: readonly string[]): readonly (readonly string[])[] {
  const gone = readComplaints(stderr, ids).flatMap(({ imageId }) => imageId ?? []);
  if (gone.length > 0) return [ids.filter((id) => !gone.includes(id))];
  return ids.length > 1 ? halve(ids) : [];
}

export function isNotFound(problem: CrictlProblem): problem is Extract<CrictlProblem, { kind: 'Exited' }> {
  return problem.kind === 'Exited' && problem.stderr.includes('code = NotFound');
}

export function halve<T>(all: readonly T[]): readonly (readonly T[])[] {
  const middle = Math.ceil(all.length / 2);
  return [all.slice(0, middle), all.slice(middle)];
}
