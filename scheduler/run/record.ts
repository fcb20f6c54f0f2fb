import { gunzipSync, gzipSync } from 'node:zlib';
import { stringify } from 'yaml';
import * as z from 'zod';
import { readStored } from '../yaml/read.ts';
import type { RunKind } from './kind.ts';
import { outcomeOf } from './outcome.ts';
import { decodeProgress, encodeProgress } from './progress-codec.ts';
import type { Run } from './run.ts';
import { summarize } from './summary.ts';

const count = z.int().nonnegative();
const instant = z.iso.datetime().transform((text) => new Date(text));

const triggerSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('Schedule'), slot: instant }),
  z.strictObject({ type: z.literal('Request'), request: z.string() }),
  z.strictObject({ type: z.literal('Pressure'), after: instant }),
]);

/** Records of this kind don't name it: there were no others when the format was made. */
const firstKind = 'cleanup';

const runSchema = z.object({
  version: z.literal(1),
  kind: z.string().default(firstKind),
  policy: z.string(),
  run: z.string(),
  trigger: triggerSchema,
  phase: z.enum(['Running', 'Paused', 'Succeeded', 'Failed']),
  reason: z.string().optional(),
  message: z.string().optional(),
  startedAt: instant,
  finishedAt: instant.optional(),
  acknowledgedFailures: count.default(0),
  resumedBy: z.string().optional(),
  spec: z.unknown(),
});

/** A run record that this version can't read; it is left alone. */
export class RunRecordError extends Error {
  override readonly name = 'RunRecordError';
}

/**
 * The data of a run's record: `run.yaml` for people, `nodes.json` for what the scheduler must remember of each node; packed,
 * as `nodes.json.gz` in Base64, where that is long.
 */
export function encodeRun(run: Run): Record<string, string> {
  const { nodes, totals, problems, omittedProblems } = summarize(run);
  const document = {
    version: 1,
    kind: run.kind.name === firstKind ? undefined : run.kind.name,
    policy: run.policy,
    run: run.name,
    trigger: run.trigger,
    dryRun: run.spec.dryRun,
    phase: run.phase,
    outcome: outcomeOf(run),
    reason: run.reason,
    message: run.message,
    startedAt: run.startedAt,
    finishedAt: run.finishedAt,
    nodes,
    ...totals,
    problems,
    omittedProblems: omittedProblems || undefined,
    acknowledgedFailures: run.acknowledgedFailures || undefined,
    resumedBy: run.resumedBy,
    spec: run.document,
  };
  return {
    'run.yaml': stringify(JSON.parse(JSON.stringify(document)), { aliasDuplicateObjects: false, lineWidth: 0 }),
    ...packNodes(JSON.stringify(Object.fromEntries(encodeNodes(run)))),
  };
}

/** Reads a record back; throws a {@link RunRecordError} for one that is damaged, of another version, or of none of the kinds. */
export function decodeRun(data: Readonly<Record<string, string>>, kinds: readonly RunKind[]): Run {
  try {
    const { version: _, kind: kindName, run, spec, ...others } = runSchema.parse(readStored(data['run.yaml'] ?? ''));
    const kind = kinds.find(({ name }) => name === kindName);
    if (kind === undefined) throw new Error(`it is of the kind ${kindName}`);
    const nodes = z.record(z.string(), z.unknown()).parse(JSON.parse(unpackNodes(data)));
    return {
      ...others,
      kind,
      name: run,
      document: spec,
      spec: kind.schema.parse(spec),
      nodes: new Map(Object.entries(nodes).map(([name, stored]) => [name, decodeProgress(kind, stored)])),
    };
  } catch (cause) {
    throw new RunRecordError(`the record is damaged or was written by another version: ${String(cause)}`, { cause });
  }
}

/** The API server takes no record above 1 MiB: some 8,000 nodes as they are, five times as many when they are packed. */
const maxPlainLength = 300_000;

function packNodes(json: string): Record<string, string> {
  if (json.length <= maxPlainLength) return { 'nodes.json': json };
  return { 'nodes.json.gz': gzipSync(json).toString('base64') };
}

function unpackNodes({ 'nodes.json': plain, 'nodes.json.gz': packed }: Readonly<Record<string, string>>): string {
  return plain ?? gunzipSync(Buffer.from(packed ?? '', 'base64')).toString();
}

/** So many nodes keep the message of what went wrong; of the others the reason alone is kept. */
const maxMessages = 500;

function encodeNodes({ kind, nodes }: Run): [string, object][] {
  let messages = 0;
  return [...nodes].map(([name, progress]) => {
    const { message, ...others } = encodeProgress(kind, progress);
    if (message !== undefined) messages += 1;
    return [name, { ...others, ...(messages <= maxMessages && { message }) }];
  });
}
