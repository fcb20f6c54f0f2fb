/** The place where a command shows its text. */
export interface Screen {
  /** The cells of a line of a terminal; undefined for a file or a pipe, whose lines may have any length. */
  readonly columns?: number | undefined;
  readonly hasColors: boolean;
}

/** A file or a pipe. */
export const plainScreen: Screen = { hasColors: false };
