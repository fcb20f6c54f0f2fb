import type { OnSignal } from '../cleaner/stop.ts';
import type { Screen } from './output/layout/screen.ts';
import type { ProgramName } from './program-name.ts';

/** Access to the process. Commands get it from the program, which alone uses the process directly. */
export interface CommandContext {
  readonly environment: NodeJS.ProcessEnv;
  /** The name of the program in the calls that messages advise. */
  readonly program: ProgramName;
  /** Standard output, as it is now. */
  readonly screen: () => Screen;
  /** Sets the exit code. The process ends when nothing is open. */
  readonly setExitCode: (code: number) => void;
  /** Ends the process now, even if something is open. */
  readonly exit: (code: number) => never;
  /** Aborts at the first SIGTERM or SIGINT after this call. */
  readonly interrupted: () => AbortSignal;
  /** Calls the listener at each SIGTERM and SIGINT after this call. They no longer end the process. */
  readonly onSignal: OnSignal;
}
