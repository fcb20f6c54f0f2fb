import { settled } from '../../scheduler/run/progress.ts';
import { tried } from './builders.ts';
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
export const succeeded = settled(tried(1), 'Succeeded', { tally });
export const failed = settled(tried(4), 'Failed', { reason: 'NotStarted', message: 'no such socket' });
