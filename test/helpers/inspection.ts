import * as z from 'zod';
import type { Node, RunPod } from '../../scheduler/objects.ts';
import type { PlacedNode, PodOrder } from '../../scheduler/pods/pod-template.ts';
import { hasEnded, lacksRoom } from '../../scheduler/pods/state.ts';
import { type Policy, policyFields } from '../../scheduler/policy/policy.ts';
import type { PodFacts, PodResult, RunKind } from '../../scheduler/run/kind.ts';
import { podName } from '../../scheduler/run/names.ts';
import type { LastResult } from '../../scheduler/run/results/last-results.ts';
import { type Eligibility, judgeNode } from '../../scheduler/run/rollout/eligibility.ts';
import type { Run } from '../../scheduler/run/run.ts';

const inspectionFields = {
  files: z.array(z.string()),
  /** The number of files that one inspector reads. A node needs several inspectors for more files. */
  filesPerPod: z.int().default(100),
  /** An inspector that is slower has failed. */
  patienceSeconds: z.int().default(3600),
  /** True if the inspectors stay as evidence until the next inspection. */
  keep: z.boolean().default(false),
  /** The maximum number of nodes that are inspected on the same array of disks. */
  perArray: z.int().default(100),
  newNodes: z.boolean().default(false),
};
const fieldsSchema = z.strictObject(inspectionFields);

type InspectionPolicy = Policy & z.output<typeof fieldsSchema>;

interface InspectionRun extends Run {
  readonly spec: InspectionPolicy;
}

/** The files that are missing on a node, of those that were to be read. */
interface Findings {
  readonly missing: readonly string[];
  readonly read: readonly string[];
}

/** The findings of the inspectors before, and the words of the newest one, which are lost when it ends. */
interface Memory extends Findings {
  readonly words?: string | undefined;
}

interface Totals {
  readonly findings: { readonly missing: Readonly<Record<string, number>> };
}

const found = z.array(z.string());
const findingsSchema = z.object({ missing: found, read: found });

/**
 * A made-up kind of runs that shares nothing with cleaning: it needs no runtime of a node, its figures are lists, and the end
 * of its pods is in their exit codes. Its inspectors tell which files are missing, in parts if there are many files.
 */
export const inspection: RunKind<Totals> = {
  name: 'inspect',
  schema: z
    .strictObject({ ...policyFields, ...inspectionFields })
    .transform((policy) => ({ ...policy, dryRun: false, onPressure: false })),
  minimalDocument: { schedule: '@yearly', files: [] },
  words: { worker: 'inspector', done: 'inspected' },
  judgeNode: judgeInspectable,
  resourcesOf: ({ labels }: Node, { spec }: InspectionRun) =>
    labels.array === undefined ? [] : [{ name: labels.array, limit: spec.perArray }],
  isHeld: ({ phase }: RunPod, { spec }: InspectionRun) => spec.keep && phase === 'Succeeded',
  isTakenOver: () => true,
  servesNewNodes: ({ newNodes }: InspectionPolicy) => newNodes,
  isServed,
  resultOf,
  endingOf: ({ before }: PodFacts & { readonly before: Memory | undefined }) => ({
    reason: before?.words && 'Slow',
    message: before?.words,
    tally: before && { missing: before.missing, read: before.read },
  }),
  encodeMemory: ({ missing, read, words }: Memory) => ({ missing, read, ...(words !== undefined && { words }) }),
  decodeMemory: (stored) => findingsSchema.extend({ words: z.string().optional() }).parse(stored),
  encodeTally: ({ missing, read }: Findings) => ({ missing, read }),
  decodeTally: (stored): Findings => findingsSchema.parse(stored),
  totalsOf: (tallies: readonly Findings[]) => {
    const files = Map.groupBy(
      tallies.flatMap(({ missing }) => missing),
      (file) => file,
    );
    return { findings: { missing: Object.fromEntries([...files].map(([file, nodes]) => [file, nodes.length])) } };
  },
  hasEffect: () => false,
  describeEffect: (_, { findings }) => `${Object.keys(findings.missing).length} files are missing`,
  needsWorkloadReferences: () => false,
  jobOf: ({ spec }: InspectionRun) => ({ files: spec.files }),
  packJob: async (name, job) => [{ name, data: { 'files.json': JSON.stringify(job) } }],
  jobMapNames: (name) => [name],
  buildPod: (
    { run, attempt, memory }: PodOrder & { readonly run: InspectionRun; readonly memory: Memory | undefined },
    node: PlacedNode,
  ) => ({
    metadata: { name: podName(run.name, node.name, attempt) },
    files: partOf(run.spec, memory),
  }),
};

function judgeInspectable(node: Node, { nodes }: Policy): Eligibility {
  const eligibility = judgeNode(node, nodes);
  if (eligibility.verdict !== 'Eligible' || node.labels.disk === 'local') return eligibility;
  return { verdict: 'Ineligible', reason: 'NoLocalDisk', message: 'the node has no local disk' };
}

function isServed(_: Node, { files }: InspectionPolicy, { run, progress }: LastResult): boolean {
  const { read = (run as InspectionRun).spec.files } = (progress.tally as Findings | undefined) ?? {};
  return files.every((file) => read.includes(file));
}

/** The files that the next inspector reads. */
function partOf({ files, filesPerPod }: InspectionPolicy, memory: Memory | undefined): readonly string[] {
  const begin = memory?.read.length ?? 0;
  return files.slice(begin, begin + filesPerPod);
}

function resultOf(pod: RunPod, facts: PodFacts): PodResult {
  const { spec } = facts.run as InspectionRun;
  const memory = (facts.before as Memory | undefined) ?? { missing: [], read: [] };
  const isPartDone = pod.containerReason === 'PartDone';
  if (!hasEnded(pod) && !isPartDone) return judgePatience(pod, spec, memory, facts.now);
  if (lacksRoom(pod)) return { kind: 'Rejected', message: pod.reason ?? '' };
  switch (isPartDone ? 0 : pod.exitCode) {
    case 0:
      return resultOfPart(pod, spec, memory);
    case 3:
      return { kind: 'Done', result: 'Failed', reason: 'Unreadable', message: 'the disk cannot be read' };
    case 4:
      return { kind: 'Done', result: 'Skipped', reason: 'DiskBusy', message: 'the disk is too busy' };
    default:
      return { kind: 'NotDone', reason: 'InspectorCrashed', message: `exit code ${pod.exitCode}`, memory };
  }
}

function judgePatience(pod: RunPod, { patienceSeconds }: InspectionPolicy, before: Memory, now: Date): PodResult {
  const memory = { ...before, words: pod.containerMessage ?? before.words };
  const until = new Date(pod.createdAt.getTime() + patienceSeconds * 1000);
  if (now < until) return { kind: 'Active', until, memory };
  const { words = 'none', missing, read } = memory;
  return { kind: 'Done', result: 'Failed', reason: 'Slow', message: `last words: ${words}`, tally: { missing, read } };
}

function resultOfPart(pod: RunPod, spec: InspectionPolicy, before: Memory): PodResult {
  const missing = [...before.missing, ...found.parse(JSON.parse(pod.containerMessage ?? '[]'))];
  const read = [...before.read, ...partOf(spec, before)];
  if (read.length < spec.files.length) return { kind: 'Continue', memory: { missing, read } };
  return { kind: 'Done', result: 'Succeeded', tally: { missing, read } };
}
