const firstPauseMs = 2_000;
const maxPauseMs = 120_000;
/** An error that comes again after so long is told again. */
const forgottenAfterMs = 3_600_000;

/** A step of a policy's pass, or of one of its runs, that can fail on its own. */
export interface Step {
  /** The step as it stands in "could not … yet". */
  readonly what: string;
  /** The run that the step is about, if it is about one. */
  readonly run?: string | undefined;
  /** The condition of the policy that shows the error; undefined where none can. */
  readonly condition?: 'Ready' | 'Progressing' | undefined;
}

/** An error that a step meets now. */
export interface Trouble extends Step {
  /** The error in its own words. */
  readonly words: string;
}

interface Entry {
  readonly step: Step;
  /** The last error, and when it was told; undefined where there never was one. */
  readonly words?: string | undefined;
  readonly toldAt?: Date | undefined;
  /** The number of failures in a row; 0 after a success. */
  readonly count: number;
  readonly heldUntil?: Date | undefined;
}

/** The errors that the steps of policies meet: each is told once, and its step is tried less and less often. */
export class Troubles {
  /** By the uid of the policy, then by the step. */
  readonly #entries = new Map<string, Map<string, Entry>>();

  /** Notes a failure. `isNew` where its words were not told lately; `retryAt` is when to try again. */
  note(policy: string, step: Step, words: string, now: Date): { readonly isNew: boolean; readonly retryAt: Date } {
    const steps = this.#stepsOf(policy);
    const known = steps.get(step.what);
    const isSame = gistOf(known?.words) === gistOf(words);
    const toldAt = isSame ? known?.toldAt : undefined;
    const isNew = toldAt === undefined || now.getTime() - toldAt.getTime() >= forgottenAfterMs;
    const count = (known?.count ?? 0) + 1;
    const retryAt = new Date(now.getTime() + Math.min(firstPauseMs * 2 ** (count - 1), maxPauseMs));
    const told = { words: isSame ? known?.words : words, toldAt: isNew ? now : toldAt };
    steps.set(step.what, { step, ...told, count, heldUntil: retryAt });
    return { isNew, retryAt };
  }

  /** Notes a success, or that the step is needed no longer. Its last error stays known for a while, and is not told again. */
  clear(policy: string, step: Step): void {
    const known = this.#stepsOf(policy).get(step.what);
    if (known?.count !== 0)
      this.#stepsOf(policy).set(step.what, { step, words: known?.words, toldAt: known?.toldAt, count: 0 });
  }

  /** Forgets the errors of a run that is over. */
  forgetRun(policy: string, run: string): void {
    const steps = this.#stepsOf(policy);
    for (const { step } of steps.values()) if (step.run === run) steps.delete(step.what);
  }

  /** Until when a step is not tried; undefined where it did not fail. */
  heldUntil(policy: string, { what }: Step): Date | undefined {
    return this.#entries.get(policy)?.get(what)?.heldUntil;
  }

  /** The errors that the steps of a policy meet now. */
  of(policy: string): readonly Trouble[] {
    const entries = [...(this.#entries.get(policy)?.values() ?? [])];
    return entries.filter(({ count }) => count > 0).map(({ step, words = '' }) => ({ ...step, words }));
  }

  /** True if a step of the run was tried by this process: what its record tells of an error is old then. */
  isKnown(policy: string, run: string): boolean {
    return [...(this.#entries.get(policy)?.values() ?? [])].some(({ step }) => step.run === run);
  }

  /** Forgets the policies and the runs that are gone. */
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

/** The words of an error without the names and numbers in them: the same error of another object is nothing new. */
function gistOf(words: string | undefined): string | undefined {
  return words?.replaceAll(/"[^"]*"|\S*\d\S*|(?<=\b(?:node|pod|run) )\S+/g, '…');
}

/** The error as a sentence: the step, and the error's own words. */
export function describeTrouble({ what, words }: Trouble): string {
  return `could not ${what} yet, trying again: ${words}`;
}
