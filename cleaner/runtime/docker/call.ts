import type Docker from 'dockerode';
import pTimeout, { TimeoutError } from 'p-timeout';
import type * as z from 'zod';
import { createGrowingDeadline } from '../growing-deadline.ts';
import { readAnswer } from './answers.ts';
import { DockerError, type DockerProblem, readProblem } from './error.ts';

/** The target of calls, and the maximum time of each. */
export type Limits = { readonly socket: string; readonly seconds: number };

/** A connection to Docker Engine with time limits. */
export type Connection = Limits & { readonly docker: Docker };

/** A call that ended with an answer or a problem. */
type Ended = { readonly answer: unknown } | { readonly problem: DockerProblem; readonly cause: unknown };

/** Makes a call and parses its answer. Throws a {@link DockerError}, which names the call. */
export async function ask<T extends z.ZodType>(
  limits: Limits,
  call: string,
  request: () => Promise<unknown>,
  schema: T,
): Promise<z.output<T>> {
  return readEnded(await attempt(limits, request), schema, { socket: limits.socket, call });
}

/** Creates a function for calls that list objects: it gives them more time if they need it, up to `maxSeconds`. */
export function createLister(limits: Limits, maxSeconds: number) {
  const callWithin = createGrowingDeadline(limits.seconds, maxSeconds);
  return async <T extends z.ZodType>(
    call: string,
    request: () => Promise<unknown>,
    schema: T,
  ): Promise<z.output<T>> => {
    const ended = await callWithin<Ended>(
      (seconds) => attempt({ ...limits, seconds }, request),
      (tried) => 'problem' in tried && tried.problem.kind === 'TimedOut',
    );
    return readEnded(ended, schema, { socket: limits.socket, call });
  };
}

function readEnded<T extends z.ZodType>(
  ended: Ended,
  schema: T,
  { socket, call }: { readonly socket: string; readonly call: string },
): z.output<T> {
  if ('problem' in ended) throw new DockerError(socket, call, ended.problem, { cause: ended.cause });
  const read = readAnswer(ended.answer, schema);
  if ('flaw' in read) throw new DockerError(socket, call, { kind: 'Unreadable', detail: read.flaw });
  return read.answer;
}

/**
 * Makes a call, and returns its answer or its problem. Only the deadline or `giveUp` ends a call whose connection broke off
 * within the answer, because dockerode otherwise never stops waiting for the rest.
 */
export async function attempt(
  { seconds }: Limits,
  request: () => Promise<unknown>,
  giveUp?: AbortSignal,
): Promise<Ended> {
  try {
    const limits = { milliseconds: seconds * 1_000, ...(giveUp && { signal: giveUp }) };
    return { answer: await pTimeout(request(), limits) };
  } catch (cause) {
    if (giveUp?.aborted) return { problem: { kind: 'Interrupted' }, cause };
    return { problem: cause instanceof TimeoutError ? { kind: 'TimedOut', seconds } : readProblem(cause), cause };
  }
}
