import type { Report } from '../../contract/report.ts';
import { resultOf } from './progress.ts';
import type { Run, Tally } from './run.ts';

/** More per-node problems than this are counted, not listed: a record must stay far below the API's 1 MiB. */
const maxProblems = 100;

/** The end of one node that did not succeed, or not without a remark. */
export interface NodeProblem {
  readonly node: string;
  readonly result: string;
  readonly reason: string | undefined;
  readonly message: string | undefined;
}

/** The reports of a run put together. `freed` is measured on the nodes' filesystems, `nominal` the sum of image sizes. */
export interface Summary {
  readonly nodes: {
    desired: number;
    pending: number;
    active: number;
    succeeded: number;
    failed: number;
    skipped: number;
  };
  readonly images: { planned: number; removed: number; failed: number; skipped: number; unknown: number };
  readonly bytes: { freed: number; nominal: number };
  readonly problems: readonly NodeProblem[];
  readonly omittedProblems: number;
}

export function summarize(run: Pick<Run, 'nodes'>): Summary {
  const progress = [...run.nodes.values()];
  const tallies = progress.flatMap((node) => (node.state === 'Settled' ? (node.tally ?? []) : []));
  const having = (result: string) => progress.filter((node) => resultOf(node) === result).length;
  const unsettled = progress.filter((node) => node.state !== 'Settled');
  const active = unsettled.filter((node) => node.attempts > 0).length;
  const sum = (key: keyof Tally) => tallies.reduce((total, tally) => total + tally[key], 0);
  const problems = problemsOf(run);
  return {
    nodes: {
      desired: progress.length,
      pending: unsettled.length - active,
      active,
      succeeded: having('Succeeded'),
      failed: having('Failed'),
      skipped: having('Skipped'),
    },
    images: {
      planned: sum('planned'),
      removed: sum('removed'),
      failed: sum('failed'),
      skipped: sum('skipped'),
      unknown: sum('unknown'),
    },
    bytes: { freed: sum('freedBytes'), nominal: sum('nominalBytes') },
    problems: problems.slice(0, maxProblems),
    omittedProblems: Math.max(0, problems.length - maxProblems),
  };
}

/** The figures of a report that a run adds up. */
export function tallyOf(report: Report): Tally {
  const { removed, failed, skipped, unknown } = report.images;
  const planned = report.outcome === 'DryRun' ? report.images.total - report.images.kept : 0;
  return {
    planned,
    removed,
    failed,
    skipped,
    unknown,
    freedBytes: report.bytes.freed,
    nominalBytes: report.bytes.nominal,
  };
}

function problemsOf(run: Pick<Run, 'nodes'>): NodeProblem[] {
  return [...run.nodes]
    .flatMap(([node, progress]) => {
      if (progress.state !== 'Settled') return [];
      const { result, reason, message } = progress;
      return result === 'Succeeded' && reason === undefined ? [] : [{ node, result, reason, message }];
    })
    .sort((a, b) => a.result.localeCompare(b.result) || a.node.localeCompare(b.node));
}
