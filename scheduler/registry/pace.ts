import { doublingPauseMs } from '../journal/doubling-pause.ts';
import type { PullAnswer } from '../pull-checks.ts';
import type { Reply } from './reply.ts';

/** The time, and a wait. */
export interface Timing {
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** The maximum number of requests to a registry at the same time. */
const maxConcurrent = 8;
/** Consecutive failures, or demands for a pause, after which a registry is not asked for a while. */
const maxTroubles = 3;
const pauses = { firstMs: 1_000, maxMs: 10_000 };
const closedPauses = { firstMs: 30_000, maxMs: 600_000 };
/** A pause that a registry asks for is waited for up to this time. During a longer one, it is not asked. */
const maxWaitMs = 60_000;
/** Tries of one question. */
const maxTries = 3;

/**
 * Paces the requests to one registry: some at a time, with pauses after failures and where it asks for them. A registry that
 * does not answer gets few requests, and all questions for it are unknown until a pause is over.
 */
export class Pace {
  readonly #timing: Timing;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #troubles = 0;
  /** Counts the pauses. */
  #epoch = 0;
  #closings = 0;
  #pausedUntilMs = 0;
  #closed: { readonly untilMs: number; readonly why: string } | undefined;

  constructor(timing: Timing) {
    this.#timing = timing;
  }

  /** Asks a question when the registry allows it. `ask` does not reject. */
  async run(ask: () => Promise<Reply>): Promise<PullAnswer> {
    await this.#begin();
    try {
      return await this.#try(ask);
    } finally {
      this.#end();
    }
  }

  async #try(ask: () => Promise<Reply>): Promise<PullAnswer> {
    let why = 'no answer';
    for (let tries = 0; tries < maxTries; tries += 1) {
      await this.#pause();
      if (this.#closed !== undefined)
        return { kind: 'Unknown', why: `${this.#closed.why}; it is not asked for a while` };
      const epoch = this.#epoch;
      const reply = await ask();
      this.#note(reply, epoch);
      if (reply.kind === 'Present' || reply.kind === 'Absent') return { kind: reply.kind };
      why = reply.why;
      if (reply.kind === 'Refused' || reply.kind === 'Denied') break;
    }
    return { kind: 'Unknown', why };
  }

  /** Waits until a pause is over, also if another answer has made it longer meanwhile. */
  async #pause(): Promise<void> {
    for (;;) {
      const now = this.#timing.nowMs();
      if (this.#closed !== undefined && this.#closed.untilMs <= now) this.#closed = undefined;
      if (this.#closed !== undefined || this.#pausedUntilMs <= now) return;
      await this.#timing.sleep(this.#pausedUntilMs - now);
    }
  }

  #note(reply: Reply, epoch: number): void {
    if (reply.kind === 'Failed' || reply.kind === 'Throttled') {
      // The requests that were under way together count once.
      if (epoch === this.#epoch) this.#slowDown(reply);
      return;
    }
    [this.#troubles, this.#closings] = [0, 0];
    if (reply.kind === 'Present' && reply.pauseMs !== undefined)
      this.#close('it has no pulls left (ratelimit-remaining)', reply.pauseMs);
  }

  #slowDown(reply: Extract<Reply, { kind: 'Failed' | 'Throttled' }>): void {
    this.#epoch += 1;
    this.#troubles += 1;
    const asked = reply.kind === 'Throttled' ? reply.retryAfterMs : undefined;
    const pauseMs = asked ?? doublingPauseMs(this.#troubles, pauses);
    if (pauseMs > maxWaitMs || this.#troubles >= maxTroubles) this.#close(reply.why, pauseMs);
    else this.#pauseFor(pauseMs);
  }

  #pauseFor(ms: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#timing.nowMs() + ms);
  }

  /** Answers of requests that were under way when it closed do not make the pause longer. */
  #close(why: string, atLeastMs = 0): void {
    if (this.#closed === undefined) this.#closings += 1;
    const pauseMs = Math.max(atLeastMs, doublingPauseMs(this.#closings, closedPauses));
    const untilMs = Math.max(this.#closed?.untilMs ?? 0, this.#timing.nowMs() + pauseMs);
    this.#closed = { untilMs, why };
  }

  async #begin(): Promise<void> {
    if (this.#running >= maxConcurrent) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
  }

  /** The place goes to the next question that waits. */
  #end(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}
