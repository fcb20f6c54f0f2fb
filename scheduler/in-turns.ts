import { setImmediate as nextTurn } from 'node:timers/promises';

/** Does long work step by step. The event loop turns between two steps, so that probes and requests are answered. */
export async function inTurns<T>(steps: Generator<unknown, T>): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await nextTurn();
  }
}
