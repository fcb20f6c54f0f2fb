import { describeRun } from '../../../scheduler/overview/overview.ts';
import { outcomeOf } from '../../../scheduler/run/outcome.ts';
import type { Run } from '../../../scheduler/run/run.ts';
import { describeResults, summarize } from '../../../scheduler/run/summary.ts';
import { formatCauses } from '../cause-list.ts';
import { formatSentence } from '../layout/paragraph.ts';
import type { Screen } from '../layout/screen.ts';

/** The end of a run: the causes of failures, each once, and a sentence with the results. */
export function formatRunEnd(run: Run, screen: Screen): string {
  const causes = formatCauses(describeRun(run), screen);
  const [, ...lines] = causes.length === 0 ? [] : [...causes, ''];
  return [...lines, formatSentence(describeEnd(run), screen)].join('\n');
}

function describeEnd(run: Run): string {
  const { nodes, totals } = summarize(run);
  // If a run failed before any node started, or exceeded its deadline, only the run has the cause.
  const isOfRun = run.phase === 'Failed' && (nodes.desired === 0 || run.reason === 'DeadlineExceeded');
  const cause = isOfRun ? `${run.message}; ` : '';
  return `run ${run.name}: ${run.reason}: ${cause}${describeResults(nodes)}; ${run.kind.describeEffect(run.spec, totals)}`;
}

/** The exit code of `nodesweep run --follow` for a run that has ended. */
export function exitCodeOfRun(run: Run): 0 | 1 | 4 {
  switch (outcomeOf(run)) {
    case 'Succeeded':
    case 'TargetNotMet':
      return 0;
    case 'PartiallyFailed':
      return 4;
    default:
      return 1;
  }
}
