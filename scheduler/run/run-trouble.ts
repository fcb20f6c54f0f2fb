import { brief } from './progress.ts';
import type { Run } from './run.ts';

/** The run with the error that its steps meet now, if they meet one; a run that is out of time keeps it as the cause. */
export function withTrouble(run: Run, trouble: string | undefined): Run {
  if (trouble === undefined) return run;
  if (run.phase === 'Running') return { ...run, message: brief(trouble) };
  if (run.reason !== 'DeadlineExceeded') return run;
  return { ...run, message: `${run.message}; until then: ${brief(trouble)}` };
}
