import { parse, stringify } from 'yaml';
import * as z from 'zod';
import type { JobDocument } from '../cleaner/job.ts';
import { hash } from './labels.ts';
import { type CleanupDocument, type CleanupPolicy, cleanupSchema } from './policy.ts';
import { summarize } from './summary.ts';

/** Why a run exists: for a slot of its schedule, or because somebody asked for it with an annotation. */
const triggerSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('Schedule'), slot: z.iso.datetime().transform((text) => new Date(text)) }),
  z.strictObject({ type: z.literal('Request'), request: z.string() }),
]);

const count = z.int().nonnegative();

const tallySchema = z.strictObject({
  removed: count,
  failed: count,
  skipped: count,
  unknown: count,
  freedBytes: count,
  nominalBytes: count,
});

const progressSchema = z.strictObject({
  attempts: count,
  result: z.enum(['Succeeded', 'Failed', 'Skipped']).optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  retryAt: z.number().optional(),
  tally: tallySchema.optional(),
});

const phaseSchema = z.enum(['Running', 'Paused', 'Succeeded', 'Failed']);
const instant = z.iso.datetime().transform((text) => new Date(text));

const runDocumentSchema = z.object({
  version: z.literal(1),
  policy: z.string(),
  run: z.string(),
  trigger: triggerSchema,
  phase: phaseSchema,
  reason: z.string().optional(),
  message: z.string().optional(),
  startedAt: instant,
  finishedAt: instant.optional(),
  acknowledgedFailures: count.default(0),
  resumedBy: z.string().optional(),
  spec: z.unknown(),
});

export type Trigger = z.output<typeof triggerSchema>;
export type RunPhase = z.output<typeof phaseSchema>;
/** What a cleaner pod's report adds to the run. */
export type Tally = z.output<typeof tallySchema>;
/** How far a run is on one node; `result` is there once it is settled. `retryAt` is in milliseconds since the epoch. */
export type NodeProgress = z.output<typeof progressSchema>;

/** One execution of a policy. */
export interface Run {
  readonly name: string;
  readonly policy: string;
  readonly trigger: Trigger;
  /** The policy as it was written when the run started. */
  readonly document: CleanupDocument;
  readonly spec: CleanupPolicy;
  readonly phase: RunPhase;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly startedAt: Date;
  readonly finishedAt?: Date | undefined;
  /** With `failurePolicy: Pause`: so many failed nodes somebody has seen and resumed over, and with which request. */
  readonly acknowledgedFailures: number;
  readonly resumedBy?: string | undefined;
  readonly nodes: ReadonlyMap<string, NodeProgress>;
}

/** A run record that this version can't read; it is left alone. */
export class RunRecordError extends Error {
  override readonly name = 'RunRecordError';
}

/** The name of a run is a function of policy and trigger, so creating its record starts it exactly once. */
export function runName(policy: string, trigger: Trigger): string {
  return trigger.type === 'Schedule'
    ? `${policy}-${Math.floor(trigger.slot.getTime() / 60_000)}`
    : `${policy}-r${hash(trigger.request, 9)}`;
}

/** A run that is about to start. */
export function newRun(
  policy: string,
  trigger: Trigger,
  document: CleanupDocument,
  spec: CleanupPolicy,
  now: Date,
): Run {
  const name = runName(policy, trigger);
  return {
    name,
    policy,
    trigger,
    document,
    spec,
    phase: 'Running',
    startedAt: now,
    acknowledgedFailures: 0,
    nodes: new Map(),
  };
}

/** What the cleaners of a run are told. */
export function jobOf(
  run: Run,
  references: Pick<JobDocument, 'startingReferences' | 'workloadReferences'>,
): JobDocument {
  const { images, disk } = run.document;
  return {
    version: 1,
    policy: run.policy,
    run: run.name,
    dryRun: run.spec.dryRun,
    ...(images === undefined ? {} : { images }),
    ...(disk === undefined ? {} : { disk }),
    ...references,
    prepulledReferences: [],
  };
}

export function isFinished(run: Run): boolean {
  return run.phase === 'Succeeded' || run.phase === 'Failed';
}

/** The data of a run's record: `run.yaml` for people, `nodes.json` for what the scheduler must remember of each node. */
export function encodeRun(run: Run): Record<string, string> {
  const { nodes, images, bytes, problems, omittedProblems } = summarize(run);
  const document = {
    version: 1,
    policy: run.policy,
    run: run.name,
    trigger: run.trigger,
    dryRun: run.spec.dryRun,
    phase: run.phase,
    reason: run.reason,
    message: run.message,
    startedAt: run.startedAt,
    finishedAt: run.finishedAt,
    nodes,
    images,
    bytes,
    problems,
    omittedProblems: omittedProblems || undefined,
    acknowledgedFailures: run.acknowledgedFailures || undefined,
    resumedBy: run.resumedBy,
    spec: run.document,
  };
  return {
    'run.yaml': stringify(JSON.parse(JSON.stringify(document)), { aliasDuplicateObjects: false }),
    'nodes.json': JSON.stringify(Object.fromEntries(run.nodes)),
  };
}

/** Reads a record back; throws a {@link RunRecordError} for one that is damaged or of another version. */
export function decodeRun(data: Readonly<Record<string, string>>): Run {
  try {
    const { version: _, run, spec, ...document } = runDocumentSchema.parse(parse(data['run.yaml'] ?? ''));
    const nodes = z.record(z.string(), progressSchema).parse(JSON.parse(data['nodes.json'] ?? ''));
    return {
      ...document,
      name: run,
      document: spec as CleanupDocument,
      spec: cleanupSchema.parse(spec),
      nodes: new Map(Object.entries(nodes)),
    };
  } catch (cause) {
    throw new RunRecordError(`the record is damaged or was written by another version: ${String(cause)}`, { cause });
  }
}
