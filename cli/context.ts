/** Process state that commands get from the program: only the program itself touches the process. */
export interface CommandContext {
  readonly environment: NodeJS.ProcessEnv;
  /** Sets the exit code; the process ends when nothing is open any more. */
  readonly setExitCode: (code: number) => void;
  /** Ends the process now, whatever is still open. */
  readonly exit: (code: number) => never;
  /** Aborts at the first SIGTERM or SIGINT after this call. */
  readonly interrupted: () => AbortSignal;
}
