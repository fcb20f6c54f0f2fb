/** The earliest of some instants; undefined if there are none. */
export function earliest(instants: readonly (Date | undefined)[]): Date | undefined {
  const times = instants.filter((instant) => instant !== undefined).map((instant) => instant.getTime());
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}
