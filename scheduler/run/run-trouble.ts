import { brief } from './progress.ts';
import type { Run } from './run.ts';

/** The reason of a run that goes on while one of its steps fails. */
const stepFailed = 'StepFailed';

/** The error that a run meets, as its record tells it. */
export function troubleOnRecord({ phase, reason, message }: Run): string | undefined {
  return phase === 'Running' && reason === stepFailed ? message : undefined;
}

/** The run with the error that its steps meet now, if they meet one; a run that is out of time keeps it as the cause. */
export function withTrouble(run: Run, trouble: string | undefined): Run {
  if (trouble === undefined) return run;
  if (run.phase === 'Running') return { ...run, reason: stepFailed, message: brief(trouble) };
  if (run.reason !== 'DeadlineExceeded') return run;
  return { ...run, message: `${run.message}; until then: ${brief(trouble)}` };
}
