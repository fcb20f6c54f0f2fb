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

/** Calls the listener at each signal that asks the process to end. */
export type OnSignal = (listener: (name: NodeJS.Signals) => void) => void;

/** Requests a stop at the first signal that asks the process to end. */
export function stopAtSignal(onSignal: OnSignal): AbortController {
  const controller = new AbortController();
  onSignal((name) => controller.abort(new StopRequest('Interrupted', 'asked to stop', name)));
  return controller;
}

/** Waits for a promise that only reads. When `signal` is aborted, rejects with its {@link StopRequest}. */
export async function untilStopped<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return pTimeout(read(), { milliseconds: Number.POSITIVE_INFINITY, signal });
}

/**
 * Creates a signal that is aborted some milliseconds after the stop of a run. Calls of the runtime end then, because the
 * report must be written before the grace period is over.
 */
export function overdue(signal: AbortSignal, graceMs: number): AbortSignal {
  const controller = new AbortController();
  const arm = () => setTimeout(() => controller.abort(signal.reason), graceMs);
  if (signal.aborted) arm();
  else signal.addEventListener('abort', arm, { once: true });
  return controller.signal;
}

/** The share of the deadline for the current batch, the report, and the time before the cleaner started. */
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
