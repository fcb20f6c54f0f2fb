import type * as z from 'zod';
import { abbreviate, ask, type Caller } from './ask.ts';
import { CrictlError, type CrictlProblem } from './error.ts';
import { readComplaints } from './messages.ts';

/** So many IDs in one call keep its answer, which holds the whole configuration of each, to a few megabytes. */
const idsPerCall = 100;
/** Every object takes its time: crictl asks about one after the other. */
const secondsPerId = 1;

/** A question to crictl about objects, and how the answer is read. */
export type Question<T> = { readonly args: readonly string[]; readonly schema: z.ZodType<readonly T[]> };

/**
 * Asks about objects, so many in a call, and fewer where an answer is too long or too slow. Objects that the runtime no
 * longer has are left out: containers come and go all the time. An answer that leaves out one that is there fails.
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

/** Asks about all of these in one call, and fails where the answer leaves one out. */
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
  const detail = `it says nothing of ${missing}`;
  throw new CrictlError(call.executable, abbreviate(args), { kind: 'Unreadable', detail });
}

/** The IDs to ask about again after a call that failed; undefined where fewer IDs would change nothing. */
function splitAfter(error: unknown, ids: readonly string[]): readonly (readonly string[])[] | undefined {
  if (!(error instanceof CrictlError)) return undefined;
  const { problem } = error;
  if (isNotFound(problem)) return withoutGone(problem.stderr, ids);
  const isTooMuch = problem.kind === 'TooLong' || problem.kind === 'TimedOut';
  return isTooMuch && ids.length > 1 ? halve(ids) : undefined;
}

/** The runtime names the one that is gone, or not even that (containerd of a sandbox). */
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
