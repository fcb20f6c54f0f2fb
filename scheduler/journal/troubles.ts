import { doublingPauseMs } from './doubling-pause.ts';

const pauses = { firstMs: 2_000, maxMs: 120_000 };
/** An error that comes again after this time is reported again. */
const forgottenAfterMs = 3_600_000;

/** A step of a pass over a policy, or of one of its runs. It fails without an effect on other steps. */
export interface Step {
  /** The words for the step in "could not … yet". */
  readonly what: string;
  /** The run of the step, if it belongs to one. */
  readonly run?: string | undefined;
  /** The condition of the policy that shows the error; undefined if there is none. */
  readonly condition?: 'Ready' | 'Progressing' | undefined;
}

/** A current error of a step. */
export interface Trouble extends Step {
  /** The message of the error. */
  readonly words: string;
}

interface Entry {
  readonly step: Step;
  /** The last error, and when it was reported; undefined if there was none. */
  readonly words?: string | undefined;
  readonly toldAt?: Date | undefined;
  /** The number of consecutive failures; 0 after a success. */
  readonly count: number;
  readonly heldUntil?: Date | undefined;
}

/** The errors of the steps of policies. Each is reported once, and the pauses between the tries of its step increase. */
export class Troubles {
  /** By the UID of the policy, then by the step. */
  readonly #entries = new Map<string, Map<string, Entry>>();

  /** Stores a failure. `isNew` is true if its message was not reported recently; `retryAt` is the time of the next try. */
  note(policy: string, step: Step, words: string, now: Date): { readonly isNew: boolean; readonly retryAt: Date } {
    const steps = this.#stepsOf(policy);
    const known = steps.get(step.what);
    const isSame = gistOf(known?.words) === gistOf(words);
    const toldAt = isSame ? known?.toldAt : undefined;
    const isNew = toldAt === undefined || now.getTime() - toldAt.getTime() >= forgottenAfterMs;
    const count = (known?.count ?? 0) + 1;
    const retryAt = new Date(now.getTime() + doublingPauseMs(count, pauses));
    const told = { words: isSame ? known?.words : words, toldAt: isNew ? now : toldAt };
    steps.set(step.what, { step, ...told, count, heldUntil: retryAt });
    return { isNew, retryAt };
  }

  /**
   * Stores a success, or that the step is no longer needed. Keeps its last error for a while, so that it is not reported
   * again.
   */
  clear(policy: string, step: Step): void {
    const known = this.#stepsOf(policy).get(step.what);
    if (known?.count !== 0)
      this.#stepsOf(policy).set(step.what, { step, words: known?.words, toldAt: known?.toldAt, count: 0 });
  }

  /** Removes the errors of a run that has ended. */
  forgetRun(policy: string, run: string): void {
    const steps = this.#stepsOf(policy);
    for (const { step } of steps.values()) if (step.run === run) steps.delete(step.what);
  }

  /** The instant of the next try of a step; undefined if it did not fail. */
  heldUntil(policy: string, { what }: Step): Date | undefined {
    return this.#entries.get(policy)?.get(what)?.heldUntil;
  }

  /** The current errors of the steps of a policy. */
  of(policy: string): readonly Trouble[] {
    const entries = [...(this.#entries.get(policy)?.values() ?? [])];
    return entries.filter(({ count }) => count > 0).map(({ step, words = '' }) => ({ ...step, words }));
  }

  /** True if this process has tried a step of the run: then the error in its record is old. */
  isKnown(policy: string, run: string): boolean {
    return [...(this.#entries.get(policy)?.values() ?? [])].some(({ step }) => step.run === run);
  }

  /** Removes the policies and the runs that are gone. */
  retain(policies: ReadonlySet<string>, runs: ReadonlySet<string>): void {
    for (const [policy, steps] of this.#entries) {
      if (!policies.has(policy)) this.#entries.delete(policy);
      for (const { step } of steps.values()) if (step.run !== undefined && !runs.has(step.run)) steps.delete(step.what);
    }
  }

  #stepsOf(policy: string): Map<string, Entry> {
    const steps = this.#entries.get(policy) ?? new Map<string, Entry>();
    this.#entries.set(policy, steps);
    return steps;
  }
}

/** The message of an error without names and numbers: the same error of another object is not new. */
function gistOf(words: string | undefined): string | undefined {
  return words?.replaceAll(/"[^"]*"|\S*\d\S*|(?<=\b(?:node|pod|run) )\S+/g, '…');
}

/** The error as a sentence: the step, and the message of the error. */
export function describeTrouble({ what, words }: Trouble): string {
  return `could not ${what} yet, trying again: ${words}`;
}
