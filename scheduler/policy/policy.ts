import * as z from 'zod';
import { nodesSchema } from './nodes.ts';
import { scheduleProblems } from './schedule.ts';
import { isTimeZone } from './wall-clock.ts';

/** The API server takes no larger number in the fields these end up in. */
const maxInt32 = 2_147_483_647;
const seconds = z.int().min(0).max(maxInt32);
const count = z.int().min(0).max(maxInt32);

const scheduleSchema = z.string().superRefine((expression, context) => {
  for (const message of scheduleProblems(expression)) context.addIssue({ code: 'custom', message });
});

const timeZoneSchema = z.string().refine(isTimeZone, {
  error: (issue) =>
    `unknown time zone "${issue.input}"; use a name of the IANA database, like Europe/Berlin or Etc/UTC`,
});

const parallelismMessage = 'must be a number of nodes from 1 up, or a percentage from 1% to 100%';
const parallelismSchema = z.union(
  [z.int(parallelismMessage).min(1, parallelismMessage), z.string().regex(/^([1-9]\d?|100)%$/, parallelismMessage)],
  parallelismMessage,
);

const rolloutSchema = z.strictObject({
  parallelism: parallelismSchema
    .default('100%')
    .describe('How many nodes at once: a number, or a percentage, rounded up.'),
  canary: count.default(0).describe('Nodes that must succeed before the others start.'),
  failurePolicy: z
    .enum(['Continue', 'FailFast', 'Pause'])
    .default('Continue')
    .describe('After a node failed: go on, end the run, or wait for nodesweep.io/resume-at.'),
  restartLimit: count.default(3).describe('How often a cleaner that did not get to work is started again on its node.'),
});

/** The fields that the documents of every kind of policy have. The names are those of CronJob and DaemonSet. */
export const policyFields = {
  schedule: scheduleSchema.describe(
    'Five cron fields, or @hourly, @daily, @weekly, @monthly, @yearly, @every 90s; as for a CronJob.',
  ),
  timeZone: timeZoneSchema.default('Etc/UTC').describe('IANA time zone in which the schedule is read.'),
  startingDeadlineSeconds: seconds
    .optional()
    .describe('A slot older than this never starts; 0 leaves a slot its own second.'),
  jitterSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .default(0)
    .describe(
      'Spreads policies of one schedule: each starts later than its slots by less than this, always by the same.',
    ),
  concurrencyPolicy: z
    .enum(['Forbid', 'Allow', 'Replace'])
    .default('Forbid')
    .describe('What a due slot does while a run of the policy is active: wait, start beside it, or end it.'),
  suspend: z
    .boolean()
    .default(false)
    .describe('Starts no scheduled runs; slots that pass meanwhile are not made up for.'),
  nodes: nodesSchema.prefault({}).describe('Which nodes are cleaned; all by default.'),
  rollout: rolloutSchema.prefault({}).describe('How the run spreads over the nodes.'),
  activeDeadlineSeconds: z.int().min(1).max(maxInt32).default(3600).describe('A run that takes longer is ended.'),
  ttlSecondsAfterFinished: seconds.default(600).describe('How long the pods of a finished run are kept.'),
  successfulRunsHistoryLimit: count.default(3).describe('How many records of successful runs are kept.'),
  failedRunsHistoryLimit: count.default(1).describe('How many records of failed runs are kept.'),
};

/** True if each slot can start: with a delay as long as the deadline, some never would. */
export function startsEverySlot(policy: {
  jitterSeconds: number;
  startingDeadlineSeconds?: number | undefined;
}): boolean {
  const { jitterSeconds, startingDeadlineSeconds = Number.POSITIVE_INFINITY } = policy;
  return jitterSeconds === 0 || jitterSeconds < startingDeadlineSeconds;
}

/** The problem where {@link startsEverySlot} is false. */
export const slotNeverStarts = {
  path: ['jitterSeconds'],
  message: 'must be below startingDeadlineSeconds, which counts from the slot, or some slots would never start',
};

const policySchema = z.strictObject(policyFields);

/** A policy of any kind with every default filled in: all that decides when it starts a run, and how that goes over the nodes. */
export interface Policy extends z.output<typeof policySchema> {
  /** A run only plans, and changes nothing on the nodes. */
  readonly dryRun: boolean;
  /** Disk pressure on a node starts a run there. */
  readonly onPressure: boolean;
}
