import * as z from 'zod';
import { diskSchema, imagesSchema } from '../../contract/job.ts';
import { policyLimits } from '../yaml/limits.ts';
import { readYaml } from '../yaml/read.ts';
import { nodesSchema } from './nodes.ts';
import type { Problem } from './problem.ts';
import { scheduleProblems } from './schedule.ts';
import { isTimeZone } from './wall-clock.ts';

/** The longest policy name, CronJob's limit: every name derived from it still fits. */
const maxPolicyNameLength = 52;

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

/** Besides the thresholds that its cleaners are told, what concerns the scheduler alone. */
const diskPolicySchema = z
  .strictObject({
    onPressure: z
      .boolean()
      .default(false)
      .describe('Starts a run on nodes as soon as they are under disk pressure, once in 10 minutes.'),
    highPercent: diskSchema.shape.highPercent.optional(),
    lowPercent: diskSchema.shape.lowPercent.optional(),
  })
  .superRefine(({ onPressure, ...thresholds }, context) => {
    if (onPressure && Object.values(thresholds).every((value) => value === undefined)) return;
    for (const issue of diskSchema.safeParse(thresholds).error?.issues ?? []) context.addIssue({ ...issue });
  });

/** The document as it is written; a policy is what {@link cleanupSchema} makes of it. */
const cleanupDocumentSchema = z
  .strictObject({
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
    dryRun: z.boolean().default(false).describe('Plans and reports, and removes nothing.'),
    nodes: nodesSchema.prefault({}).describe('Which nodes are cleaned; all by default.'),
    rollout: rolloutSchema.prefault({}).describe('How the run spreads over the nodes.'),
    activeDeadlineSeconds: z.int().min(1).max(maxInt32).default(3600).describe('A run that takes longer is ended.'),
    ttlSecondsAfterFinished: seconds.default(600).describe('How long the pods of a finished run are kept.'),
    successfulRunsHistoryLimit: count.default(3).describe('How many records of successful runs are kept.'),
    failedRunsHistoryLimit: count.default(1).describe('How many records of failed runs are kept.'),
    images: imagesSchema.prefault({}).describe('Which images may go.'),
    disk: diskPolicySchema
      .optional()
      .describe('Remove only from a disk usage on, least recently used images first; start runs under disk pressure.'),
  })
  .refine(
    ({ jitterSeconds, startingDeadlineSeconds = Number.POSITIVE_INFINITY }) =>
      jitterSeconds === 0 || jitterSeconds < startingDeadlineSeconds,
    {
      path: ['jitterSeconds'],
      message: 'must be below startingDeadlineSeconds, which counts from the slot, or some slots would never start',
    },
  );

/** A cleanup policy, the document under the key `cleanup.yaml`. The names are those of CronJob and DaemonSet. */
export const cleanupSchema = cleanupDocumentSchema.transform(({ disk, ...policy }) => {
  const { onPressure = false, highPercent, lowPercent } = disk ?? {};
  const hasThresholds = highPercent !== undefined && lowPercent !== undefined;
  return { ...policy, onPressure, disk: hasThresholds ? { highPercent, lowPercent } : undefined };
});

/** A cleanup policy as it is written. */
export type CleanupDocument = z.input<typeof cleanupSchema>;
/** A cleanup policy with every default filled in. */
export type CleanupPolicy = z.output<typeof cleanupSchema>;

export type ParsedPolicy =
  | { readonly valid: true; readonly document: CleanupDocument; readonly policy: CleanupPolicy }
  | { readonly valid: false; readonly problems: readonly Problem[] };

/** Parses the policy a ConfigMap holds: its name must be usable, and exactly one of the two keys be there. */
export function parsePolicy(name: string, data: Readonly<Record<string, string>>): ParsedPolicy {
  const nameProblems = policyNameProblems(name);
  const content = parseData(data);
  const problems = [...nameProblems, ...(content.valid ? [] : content.problems)];
  return problems.length > 0 ? { valid: false, problems } : content;
}

/** Parses a policy document by itself; every problem is reported, each with its path. */
export function parseCleanup(text: string): ParsedPolicy {
  const yaml = parseYaml(text);
  if ('problems' in yaml) return { valid: false, problems: yaml.problems };
  const result = cleanupSchema.safeParse(yaml.value);
  if (!result.success) return { valid: false, problems: result.error.issues.flatMap(problemsOf) };
  return { valid: true, document: yaml.value as CleanupDocument, policy: result.data };
}

function policyNameProblems(name: string): Problem[] {
  const path = 'metadata.name';
  const problems: Problem[] = [];
  if (name.length > maxPolicyNameLength) {
    problems.push({
      path,
      message: `has ${name.length} characters; at most ${maxPolicyNameLength} fit into the names of its runs and pods`,
    });
  }
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)) {
    problems.push({ path, message: `"${name}" must be a DNS label: lower-case letters, digits and dashes` });
  }
  return problems;
}

function parseData(data: Readonly<Record<string, string>>): ParsedPolicy {
  const { 'cleanup.yaml': cleanup, 'prepull.yaml': prepull, ...others } = data;
  const problems = Object.keys(others).map((key) => ({
    path: `data.${key}`,
    message: 'is not a key of a policy; use cleanup.yaml',
  }));
  if (cleanup !== undefined && prepull !== undefined) {
    problems.push({ path: 'data', message: 'has both cleanup.yaml and prepull.yaml; make two ConfigMaps of them' });
  } else if (prepull !== undefined) {
    problems.push({ path: 'data.prepull.yaml', message: 'pre-pull policies are not supported by this version' });
  } else if (cleanup === undefined) {
    problems.push({ path: 'data', message: 'has no policy; put it under the key cleanup.yaml' });
  }
  const content: ParsedPolicy = cleanup === undefined ? { valid: false, problems: [] } : parseCleanup(cleanup);
  if (problems.length === 0) return content;
  return { valid: false, problems: [...problems, ...(content.valid ? [] : content.problems)] };
}

function parseYaml(text: string): { value: unknown } | { problems: readonly Problem[] } {
  const yaml = readYaml(text, policyLimits);
  if (!yaml.valid) return yaml;
  const [value, ...others] = yaml.values;
  if (others.length > 0)
    return { problems: [{ path: '', message: 'has several YAML documents; put each into a ConfigMap of its own' }] };
  if (value === null) return { problems: [{ path: '', message: 'is empty; a policy needs at least a schedule' }] };
  return { value };
}

/** An unknown key is a problem of its own, at its own path. */
function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: pathOf([...issue.path, key]), message: 'is not a known field' }));
  }
  const message = issue.message.endsWith('received undefined')
    ? 'is required'
    : issue.message.replace(/^[^:]*: (?=expected)/, '');
  return [{ path: pathOf(issue.path), message }];
}

function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

/** The JSON Schema of the documents as they are written, for editors; what no schema can say, `lint` does. */
export function policyJsonSchema(): object {
  const schema = z.toJSONSchema(cleanupSchema, { io: 'input', target: 'draft-2020-12' });
  return {
    $id: 'https://nodesweep.io/schemas/cleanup.json',
    title: 'nodesweep cleanup policy (cleanup.yaml)',
    ...schema,
  };
}
