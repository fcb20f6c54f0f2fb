import type * as z from 'zod';
import { readAnswer } from './answers.ts';
import { CrictlError, type CrictlProblem } from './error.ts';
import type { CrictlCall, RunCrictl } from './process.ts';

/** A way to call crictl, with the deadline for reading or for removals. */
export type Caller = { readonly run: RunCrictl; readonly call: CrictlCall };

/** Makes a call and parses its answer. Throws a {@link CrictlError}, which names the call. */
export async function ask<T extends z.ZodType>(
  { run, call }: Caller,
  args: readonly string[],
  schema: T,
): Promise<z.output<T>> {
  const ended = await run(call, args);
  const fail = (problem: CrictlProblem, cause?: unknown) =>
    new CrictlError(call.executable, abbreviate(args), problem, { cause });
  if ('problem' in ended) throw fail(ended.problem, ended.cause);
  const read = readAnswer(ended.stdout, schema);
  if ('flaw' in read) throw fail({ kind: 'Unreadable', detail: read.flaw });
  return read.answer;
}

/** Arguments for messages, in which a number stands for hundreds of IDs. */
export function abbreviate(args: readonly string[]): readonly string[] {
  const shown = args.filter((arg) => !/^[0-9a-f:a-z]{0,7}[0-9a-f]{32,}$/.test(arg));
  return shown.length === args.length ? args : [...shown, `(${args.length - shown.length} IDs)`];
}
