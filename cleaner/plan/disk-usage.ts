/** How full a filesystem is, in bytes. */
export type DiskUsage = {
  readonly capacityBytes: number;
  readonly usedBytes: number;
  /** What is left for ordinary users: less than capacity minus used, where a part is reserved for root. */
  readonly availableBytes: number;
};

/** The usage in percent as `df` shows it, but not rounded: the reserved part counts as neither used nor free. */
export function usedPercent({ usedBytes, availableBytes }: DiskUsage): number {
  const reachable = usedBytes + availableBytes;
  return reachable === 0 ? 0 : (usedBytes / reachable) * 100;
}

/** How many bytes have to go until usage is at `percent`; not positive where it is there already. */
export function bytesAbove(percent: number, { usedBytes, availableBytes }: DiskUsage): number {
  return usedBytes - (percent / 100) * (usedBytes + availableBytes);
}
