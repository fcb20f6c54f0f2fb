/** The middle and both ends of a series, rounded. */
export function describe(values: readonly number[], digits = 0) {
  const at = (share: number) => Number(percentile(values, share).toFixed(digits));
  return { min: at(0), median: at(0.5), max: at(1) };
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The value that a share (0 to 1) of the series does not exceed; not a number for an empty series. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.at(Math.round(share * (sorted.length - 1))) ?? Number.NaN;
}
