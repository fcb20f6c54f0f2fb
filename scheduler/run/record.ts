import { gunzipSync, gzipSync } from 'node:zlib';
import { stringify } from 'yaml';
import * as z from 'zod';
import { checkDocument } from '../policy/parse.ts';
import type { Policy } from '../policy/policy.ts';
import { listProblems } from '../policy/problem.ts';
import { readStored } from '../yaml/read.ts';
import { decodeDisks, encodeDisks, withDisks } from './disk-measure.ts';
import type { RunKind } from './kind.ts';
import { outcomeOf } from './outcome.ts';
import { type NodeProgress, waiting } from './progress.ts';
import { decodeProgress, encodeProgress } from './progress-codec.ts';
import type { Run } from './run.ts';
import { summarize } from './summary.ts';

const count = z.int().nonnegative();
const instant = z.iso.datetime().transform((text) => new Date(text));

const triggerSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('Schedule'), slot: instant }),
  z.strictObject({ type: z.literal('Request'), request: z.string() }),
  z.strictObject({ type: z.literal('Pressure'), after: instant }),
  z.strictObject({ type: z.literal('Nodes'), after: instant }),
  z.strictObject({ type: z.literal('Purge'), request: z.string() }),
]);

/** Records of this kind don't name their kind, because the first version of the format had no other. */
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

/** A run record that this version can't read. The scheduler does not change it. */
export class RunRecordError extends Error {
  override readonly name = 'RunRecordError';
}

/**
 * The data of a run's record: `run.yaml` for users, `nodes.json` for the facts of each node that the scheduler needs, and
 * `disks.json` for those that people look at, which are left out where they would not fit. Earlier versions ignore `disks.json`.
 * Long facts are compressed, as `nodes.json.gz` and `disks.json.gz` in Base64.
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
  const needed = {
    'run.yaml': stringify(JSON.parse(JSON.stringify(document)), { aliasDuplicateObjects: false, lineWidth: 0 }),
    ...pack('nodes.json', Object.fromEntries(encodeNodes(run))),
  };
  return { ...needed, ...packDisks(run, lengthOf(needed)) };
}

/** Reads a record. Throws a {@link RunRecordError} if it is damaged, of another version, or of an unknown kind. */
export function decodeRun(data: Readonly<Record<string, string>>, kinds: readonly RunKind[]): Run {
  try {
    const { version: _, kind: kindName, run, spec, ...others } = runSchema.parse(readStored(data['run.yaml'] ?? ''));
    const kind = kinds.find(({ name }) => name === kindName);
    if (kind === undefined) throw new Error(`it is of the kind ${kindName}`);
    const policy = decodeSpec(kind, spec);
    const nodes = decodeNodes(
      kind,
      z.record(z.string(), z.unknown()).parse(JSON.parse(unpack('nodes.json', data) ?? '')),
    );
    const damage = [policy.damage, nodes.damage].filter((part) => part !== undefined).join('; ');
    return {
      ...others,
      kind,
      name: run,
      document: spec,
      spec: policy.value,
      nodes: withDisks(nodes.value, readDisks(data)),
      ...(damage !== '' && { damage }),
    };
  } catch (cause) {
    throw new RunRecordError(`the record is damaged or was written by another version: ${String(cause)}`, { cause });
  }
}

/** A part of a record, and the description of its damage. */
interface Decoded<T> {
  readonly value: T;
  readonly damage?: string;
}

/**
 * The policy of a run. If this version no longer accepts it, the fields with problems get their defaults. With them, the
 * scheduler can end the run and delete its objects, but not continue it.
 */
function decodeSpec({ schema, minimalDocument }: RunKind, document: unknown): Decoded<Policy> {
  const checked = checkDocument(document, schema);
  if (checked.valid) return { value: checked.policy };
  const { problems } = checked;
  const wrong = new Set(problems.map(({ path }) => path.split(/[.[]/)[0]));
  const fields = Object.entries(z.record(z.string(), z.unknown()).parse(document)).filter(([key]) => !wrong.has(key));
  const value = schema.parse({ ...minimalDocument, ...Object.fromEntries(fields) });
  return {
    value,
    damage: `this version does not take the policy that the run began with: ${listProblems(problems, 500)}`,
  };
}

function decodeNodes(kind: RunKind, stored: Readonly<Record<string, unknown>>): Decoded<Run['nodes']> {
  const unread: string[] = [];
  const nodes = Object.entries(stored).map(([name, progress]): [string, NodeProgress] => {
    try {
      return [name, decodeProgress(kind, progress)];
    } catch {
      unread.push(name);
      return [name, waiting];
    }
  });
  const value = new Map(nodes);
  if (unread.length === 0) return { value };
  const [first, ...others] = unread;
  const which = others.length === 0 ? `node ${first} is` : `node ${first} and ${others.length} others are`;
  return { value, damage: `the record does not tell how far ${which}` };
}

/** The API server refuses a record above 1 MiB: this is about 8,000 nodes, or five times as many if they are compressed. */
const maxPlainLength = 300_000;

function pack(name: string, facts: object): Record<string, string> {
  const json = JSON.stringify(facts);
  if (json.length <= maxPlainLength) return { [name]: json };
  return { [`${name}.gz`]: gzipSync(json).toString('base64') };
}

function unpack(name: string, data: Readonly<Record<string, string>>): string | undefined {
  const { [name]: plain, [`${name}.gz`]: packed } = data;
  return plain ?? (packed && gunzipSync(Buffer.from(packed, 'base64')).toString());
}

/** The length of a record up to which it has the disks of its nodes, in characters. */
const maxLengthWithDisks = 900_000;

/** The disks of the nodes, if there are any, and if they fit beside a record of a length. */
function packDisks({ nodes }: Run, length: number): Record<string, string> {
  const disks = encodeDisks(nodes);
  if (Object.keys(disks).length === 0) return {};
  const packed = pack('disks.json', disks);
  return length + lengthOf(packed) <= maxLengthWithDisks ? packed : {};
}

function readDisks(data: Readonly<Record<string, string>>): ReturnType<typeof decodeDisks> {
  try {
    return decodeDisks(JSON.parse(unpack('disks.json', data) ?? '{}'));
  } catch {
    return new Map();
  }
}

function lengthOf(data: Readonly<Record<string, string>>): number {
  return Object.values(data).reduce((sum, text) => sum + text.length, 0);
}

/** The number of nodes that keep the message of their error. The others keep only the reason. */
const maxMessages = 500;

function encodeNodes({ kind, nodes }: Run): [string, object][] {
  let messages = 0;
  return [...nodes].map(([name, progress]) => {
    const { message, ...others } = encodeProgress(kind, progress);
    if (message !== undefined) messages += 1;
    return [name, { ...others, ...(messages <= maxMessages && { message }) }];
  });
}
