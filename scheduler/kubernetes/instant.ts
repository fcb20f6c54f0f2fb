/** Reads a time: it is a date in a list, and a text in a watch. */
export function instantOf(value: Date | string | undefined): Date {
  return value === undefined ? new Date(0) : new Date(value);
}
