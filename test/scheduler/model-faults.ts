/** All that goes wrong with one call to the API server. */
export type Fault =
  /** The process is killed before the request is sent, or after it took effect. */
  | { readonly kind: 'CrashBefore' | 'CrashAfter' }
  /** An error without effect (409, 429, 5xx), or one although the request took effect: its answer was lost. */
  | { readonly kind: 'Refused' | 'AnswerLost' }
  /** The request takes effect after so many seconds, and its answer arrives so many later. */
  | { readonly kind: 'Slow'; readonly before: number; readonly after: number };

/** All that the API server, or the way to it, has to say. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
}

/** Faults that wait for their call. */
export class Faults {
  #armed: { calls: number; readonly fault: Fault }[] = [];

  /** Strikes the call that comes after `calls` others. */
  arm(calls: number, fault: Fault): void {
    this.#armed.push({ calls, fault });
  }

  clear(): void {
    this.#armed = [];
  }

  /** The fault of the call that is made now, if any. */
  take(): Fault | undefined {
    const struck = this.#armed.find(({ calls }) => calls === 0);
    this.#armed = this.#armed.filter((armed) => armed.calls-- > 0);
    return struck?.fault;
  }
}
