/** The pauses between tries, in milliseconds. */
export interface Pauses {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** The pause after a number of consecutive failures, in milliseconds: the first one, doubled with each further failure. */
export function doublingPauseMs(failures: number, { firstMs, maxMs }: Pauses): number {
  return Math.min(firstMs * 2 ** Math.max(0, failures - 1), maxMs);
}
