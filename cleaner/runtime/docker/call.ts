import type Docker from 'dockerode';
import pTimeout, { TimeoutError } from 'p-timeout';
import type * as z from 'zod';
import { readAnswer } from './answers.ts';
import { DockerError, type DockerProblem, readProblem } from './error.ts';

/** The target of calls, and the maximum time of each. */
export type Limits = { readonly socket: string; readonly seconds: number };

/** A connection to Docker Engine with time limits. */
export type Connection = Limits & { readonly docker: Docker };

/** Makes a call and parses its answer. Throws a {@link DockerError}, which names the call. */
export async function ask<T extends z.ZodType>(
  limits: Limits,
  call: string,
  request: () => Promise<unknown>,
  schema: T,
): Promise<z.output<T>> {
  const { socket } = limits;
  const ended = await attempt(limits, request);
  if ('problem' in ended) throw new DockerError(socket, call, ended.problem, { cause: ended.cause });
  const read = readAnswer(ended.answer, schema);
  if ('flaw' in read) throw new DockerError(socket, call, { kind: 'Unreadable', detail: read.flaw });
  return read.answer;
}

/**
 * Makes calls that list: one that runs out of time is made again with twice the time, until it had `maxSeconds`. All later
 * ones get the time that one needed.
 */
export function createLister(limits: Limits, maxSeconds: number) {
  let known = limits.seconds;
  return async <T extends z.ZodType>(call: string, request: () => Promise<unknown>, schema: T) => {
    for (let seconds = known; ; seconds = Math.min(2 * seconds, maxSeconds)) {
      try {
        const answer = await ask({ ...limits, seconds }, call, request, schema);
        known = Math.max(known, seconds);
        return answer;
      } catch (error) {
        const hasRunOutOfTime = error instanceof DockerError && error.problem.kind === 'TimedOut';
        if (!hasRunOutOfTime || seconds >= maxSeconds) throw error;
      }
    }
  };
}

/**
 * Makes a call, and tells what went wrong where it failed. dockerode waits for ever for the rest of an answer whose
 * connection broke off: only the deadline, or `giveUp`, ends that.
 */
export async function attempt(
  { seconds }: Limits,
  request: () => Promise<unknown>,
  giveUp?: AbortSignal,
): Promise<{ readonly answer: unknown } | { readonly problem: DockerProblem; readonly cause: unknown }> {
  try {
    const limits = { milliseconds: seconds * 1_000, ...(giveUp && { signal: giveUp }) };
    return { answer: await pTimeout(request(), limits) };
  } catch (cause) {
    if (giveUp?.aborted) return { problem: { kind: 'Interrupted' }, cause };
    return { problem: cause instanceof TimeoutError ? { kind: 'TimedOut', seconds } : readProblem(cause), cause };
  }
}
