import pTimeout from 'p-timeout';

/** The reason why a run must end, with which its signal is aborted. */
export class StopRequest extends Error {
  override readonly name = 'StopRequest';
  readonly reason: 'Interrupted' | 'DeadlineExceeded';
  /** The signal that the process got, if one is the cause. */
  readonly signalName: NodeJS.Signals | undefined;

  constructor(reason: StopRequest['reason'], message: string, signalName?: NodeJS.Signals) {
    super(message);
    this.reason = reason;
    this.signalName = signalName;
  }
}

/** Requests a stop when the process gets the first signal that asks it to end. */
export function stopAtSignal(onSignal: (listener: (name: NodeJS.Signals) => void) => void): AbortController {
  const controller = new AbortController();
  onSignal((name) => controller.abort(new StopRequest('Interrupted', 'asked to stop', name)));
  return controller;
}

/**
 * Stops waiting for a promise that only reads when `signal` is aborted, and rejects with its {@link StopRequest}.
 */
export async function untilStopped<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return pTimeout(read(), { milliseconds: Number.POSITIVE_INFINITY, signal });
}

/**
 * A signal that goes off so many milliseconds after a run was asked to stop: whoever waits for the runtime then leaves it,
 * since a report has to be written before the grace period is over.
 */
export function overdue(signal: AbortSignal, graceMs: number): AbortSignal {
  const controller = new AbortController();
  const arm = () => setTimeout(() => controller.abort(signal.reason), graceMs);
  if (signal.aborted) arm();
  else signal.addEventListener('abort', arm, { once: true });
  return controller.signal;
}

/** So much of the time is left for a batch in flight and the report, and for what went by before the cleaner started. */
const marginShare = 0.1;
const maxMarginMs = 60_000;
/** Maximum delay of a timer. A longer one fires at once. */
const maxTimerMs = 2 ** 31 - 1;

/** Requests a stop shortly before the deadline, of which this many milliseconds have passed. */
export function armDeadline(controller: AbortController, deadlineSeconds: number, elapsedMs: number): void {
  const deadlineMs = deadlineSeconds * 1_000;
  const leftMs = deadlineMs - Math.min(deadlineMs * marginShare, maxMarginMs) - elapsedMs;
  const request = new StopRequest('DeadlineExceeded', `activeDeadlineSeconds (${deadlineSeconds}) is nearly over`);
  setTimeout(() => controller.abort(request), Math.min(Math.max(0, leftMs), maxTimerMs)).unref();
}
