import * as z from 'zod';
import { checkOf } from '../../contract/check-fields.ts';
import { nodesSchema } from './nodes.ts';
import { scheduleProblems } from './schedule.ts';
import { isTimeZone } from './wall-clock.ts';

/** Maximum number in the fields of the API for these values. */
export const maxInt32 = 2_147_483_647;
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
export const parallelismSchema = z.union(
  [z.int(parallelismMessage).min(1, parallelismMessage), z.string().regex(/^([1-9]\d?|100)%$/, parallelismMessage)],
  parallelismMessage,
);

/** `rollout` of a policy: how a run spreads over the nodes. */
export const rolloutSchema = z.strictObject({
  parallelism: parallelismSchema
    .default('100%')
    .describe('Number of nodes that are cleaned at the same time, or a percentage, rounded up.'),
  canary: count.default(0).describe('Nodes that must succeed before the others start.'),
  failurePolicy: z
    .enum(['Continue', 'FailFast', 'Pause'])
    .default('Continue')
    .describe('After a node has failed: continue, end the run, or wait for nodesweep.io/resume-at.'),
  restartLimit: count
    .default(3)
    .describe('How often a cleaner that did not start its work is started again on its node.'),
});

/** The fields that the documents of every kind of policy have. The names are those of CronJob and DaemonSet. */
export const policyFields = {
  schedule: scheduleSchema.describe(
    'Five cron fields, or @hourly, @daily, @weekly, @monthly, @yearly, @every 90s; as for a CronJob.',
  ),
  timeZone: timeZoneSchema.default('Etc/UTC').describe('IANA time zone of the schedule.'),
  startingDeadlineSeconds: seconds
    .optional()
    .describe('A run that has not started this long after its scheduled time never starts.'),
  jitterSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .default(0)
    .describe(
      'Delays each start by less than this, always by the same for a name, to spread policies with one schedule.',
    ),
  concurrencyPolicy: z
    .enum(['Forbid', 'Allow', 'Replace'])
    .default('Forbid')
    .describe(
      'What happens at a scheduled time while a run of the policy is active: wait, start another run, or replace it.',
    ),
  suspend: z
    .boolean()
    .default(false)
    .describe('Starts no scheduled runs. Times that pass while suspended are not caught up.'),
  nodes: nodesSchema.prefault({}).describe('Which nodes are cleaned; all by default.'),
  rollout: rolloutSchema.prefault({}).describe('How the run spreads over the nodes.'),
  activeDeadlineSeconds: z.int().min(1).max(maxInt32).default(3600).describe('A run that takes longer is ended.'),
  ttlSecondsAfterFinished: seconds.default(600).describe('How long the pods of a finished run are kept.'),
  successfulRunsHistoryLimit: count.default(3).describe('How many records of successful runs are kept.'),
  failedRunsHistoryLimit: count.default(1).describe('How many records of failed runs are kept.'),
};

/**
 * Checks that every run can start: with a delay as long as the deadline, some could not. A deadline of 0 is blamed itself,
 * because no delay fits it.
 */
export function checkStart(
  policy: { readonly jitterSeconds: number; readonly startingDeadlineSeconds?: number | undefined },
  context: Pick<z.core.$RefinementCtx, 'addIssue'>,
): void {
  const { jitterSeconds, startingDeadlineSeconds = Number.POSITIVE_INFINITY } = policy;
  if (jitterSeconds === 0 || jitterSeconds < startingDeadlineSeconds) return;
  if (startingDeadlineSeconds > 0) {
    const message =
      'must be below startingDeadlineSeconds, which counts from the scheduled time, or some runs could never start';
    context.addIssue({ code: 'custom', path: ['jitterSeconds'], message });
  } else {
    const message = `must be above jitterSeconds (${jitterSeconds}), or some runs could never start`;
    context.addIssue({ code: 'custom', path: ['startingDeadlineSeconds'], message });
  }
}

/** The fields of {@link checkStart}. */
export const ofStart = checkOf('jitterSeconds', 'startingDeadlineSeconds');

const policySchema = z.strictObject(policyFields);

/** A policy of any kind with all defaults: when it starts a run, and how the run proceeds over the nodes. */
export interface Policy extends z.output<typeof policySchema> {
  /** True if a run only plans, and changes nothing on the nodes. */
  readonly dryRun: boolean;
  /** True if disk pressure on a node starts a run there. */
  readonly onPressure: boolean;
}
