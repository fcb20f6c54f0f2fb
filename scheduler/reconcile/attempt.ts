import type { Step } from '../journal/troubles.ts';
import { stepFailed } from '../status/events.ts';
import { announce } from './announce.ts';
import type { PolicyPass } from './context.ts';

/** The result of one step of a pass. */
export type Attempt<T> =
  | { readonly outcome: 'Done'; readonly value: T }
  /** The step failed, now or recently, and is tried again at this time. */
  | { readonly outcome: 'Failed'; readonly retryAt: Date };

/**
 * Does one step of a pass over a policy. An error stops only this step. The error is reported once, and kept for the
 * status and the record. The pauses between the tries increase.
 */
export async function attempt<T>(pass: PolicyPass, step: Step, work: () => Promise<T>): Promise<Attempt<T>> {
  const { journal, object, now } = pass;
  const heldUntil = journal.troubles.heldUntil(object.uid, step);
  if (heldUntil !== undefined && heldUntil > now) return { outcome: 'Failed', retryAt: heldUntil };
  try {
    const value = await work();
    journal.troubles.clear(object.uid, step);
    return { outcome: 'Done', value };
  } catch (error) {
    return { outcome: 'Failed', retryAt: await noteTrouble(pass, step, error) };
  }
}

/** The instant of the next look, after a step that returns one. */
export function wakeTimeOf(attempted: Attempt<Date | undefined>): Date | undefined {
  return attempted.outcome === 'Done' ? attempted.value : attempted.retryAt;
}

/** Stores the failure of a step, and reports it if it is new; returns when to try again. */
export async function noteTrouble(pass: PolicyPass, step: Step, error: unknown, words = String(error)): Promise<Date> {
  const { isNew, retryAt } = pass.journal.troubles.note(pass.object.uid, step, words, pass.now);
  if (isNew) await announce(pass, stepFailed({ ...step, words }), { err: error, ...(step.run && { run: step.run }) });
  return retryAt;
}
