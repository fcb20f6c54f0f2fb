import type { NodeProgress } from '../../scheduler/run/run.ts';
import { minutesAgo } from './records-server.ts';

export const tally = {
  planned: 0,
  removed: 3,
  failed: 0,
  skipped: 0,
  unknown: 0,
  freedBytes: 3 * 2 ** 30,
  nominalBytes: 0,
};
/** A run that ended well, an hour ago. */
export const ended = {
  startedAt: minutesAgo(60),
  finishedAt: minutesAgo(58),
  phase: 'Succeeded',
  reason: 'Completed',
} as const;
export const succeeded: NodeProgress = { attempts: 1, result: 'Succeeded', tally };
export const failed: NodeProgress = { attempts: 4, result: 'Failed', reason: 'NotStarted', message: 'no such socket' };
