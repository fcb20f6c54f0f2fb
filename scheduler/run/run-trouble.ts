import { shortenMessage } from './progress.ts';
import type { Run } from './run.ts';

/** The reason of a run that continues while one of its steps fails. */
const stepFailed = 'StepFailed';

/** The error in the record of a run. */
export function troubleOnRecord({ phase, reason, message }: Run): string | undefined {
  return phase === 'Running' && reason === stepFailed ? message : undefined;
}

/** The run with the current error of its steps, if there is one. A run that passed its deadline keeps it as the cause. */
export function withTrouble(run: Run, trouble: string | undefined): Run {
  if (trouble === undefined) return run;
  if (run.phase === 'Running') return { ...run, reason: stepFailed, message: shortenMessage(trouble) };
  if (run.reason !== 'DeadlineExceeded') return run;
  return { ...run, message: `${run.message}; until then: ${shortenMessage(trouble)}` };
}
