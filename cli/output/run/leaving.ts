import { formatDuration } from '../../../contract/duration.ts';

/** The reason why a command no longer follows a run that has not ended. */
export type Leaving =
  | { readonly cause: 'Interrupted' }
  | { readonly cause: 'TimedOut'; readonly timeoutSeconds: number }
  /** `problem`: the reason why its lease can't be read. */
  | { readonly cause: 'NoScheduler'; readonly absentMs: number; readonly problem?: string | undefined }
  /** `newer` is undefined if the request was removed. */
  | { readonly cause: 'Replaced'; readonly newer: string | undefined }
  | { readonly cause: 'Deleted' };

interface FollowedRunNames {
  readonly run: string;
  readonly policy: string;
  readonly hasStarted: boolean;
}

/** Tells why, how it goes on with the run, and how to see it. */
export function describeLeaving({ run, policy, hasStarted }: FollowedRunNames, leaving: Leaving): string {
  const look = `to see it: nodesweep status ${policy}`;
  const future = hasStarted ? `it continues; ${look}` : `it is requested and may still start; ${look}`;
  switch (leaving.cause) {
    case 'Interrupted':
      return `stopped following run ${run}; ${future}`;
    case 'TimedOut': {
      const limit = formatDuration(leaving.timeoutSeconds * 1_000);
      return `stopped following run ${run} after ${limit} (--timeout); ${future}`;
    }
    case 'NoScheduler': {
      const verb = hasStarted ? 'goes on' : 'starts';
      const why = leaving.problem === undefined ? 'check the pods of the scheduler' : leaving.problem;
      return `no scheduler was seen at work for ${formatDuration(leaving.absentMs)}: run ${run} ${verb} when one is; ${why}`;
    }
    case 'Replaced': {
      const why = leaving.newer === undefined ? 'somebody removed it' : `request "${leaving.newer}" replaced it`;
      return `run ${run} does not start: ${why} before it could`;
    }
    case 'Deleted':
      return `the record of run ${run} was deleted before the run had ended`;
    default:
      return leaving satisfies never;
  }
}
