import * as z from 'zod';
import type { Node, RunPod } from '../../scheduler/objects.ts';
import type { PlacedNode, PodOrder } from '../../scheduler/pods/pod-template.ts';
import { hasEnded, lacksRoom } from '../../scheduler/pods/state.ts';
import { type Policy, policyFields } from '../../scheduler/policy/policy.ts';
import { type Eligibility, judgeNode } from '../../scheduler/run/eligibility.ts';
import type { PodResult, RunKind } from '../../scheduler/run/kind.ts';
import { podName } from '../../scheduler/run/names.ts';
import type { Run } from '../../scheduler/run/run.ts';

interface InspectionPolicy extends Policy {
  readonly files: readonly string[];
}

interface InspectionRun extends Run {
  readonly spec: InspectionPolicy;
}

/** The files that are missing on a node. */
interface Findings {
  readonly missing: readonly string[];
}

interface Totals {
  readonly findings: { readonly missing: Readonly<Record<string, number>> };
}

const found = z.array(z.string());

/**
 * A made-up kind of runs that shares nothing with cleaning: it needs no runtime of a node, its figures are lists, and the end
 * of its pods is in their exit codes. Its inspectors tell which files are missing.
 */
export const inspection: RunKind<Totals> = {
  name: 'inspect',
  schema: z
    .strictObject({ ...policyFields, files: z.array(z.string()) })
    .transform((policy) => ({ ...policy, dryRun: false, onPressure: false })),
  words: { worker: 'inspector', done: 'inspected' },
  judgeNode: judgeInspectable,
  resultOf,
  endingOf: () => ({}),
  encodeMemory: (memory) => memory,
  decodeMemory: (stored) => stored,
  encodeTally: ({ missing }: Findings) => missing,
  decodeTally: (stored): Findings => ({ missing: found.parse(stored) }),
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
  buildPod: ({ run, attempt }: PodOrder, node: PlacedNode) => ({
    metadata: { name: podName(run.name, node.name, attempt) },
  }),
};

function judgeInspectable(node: Node, { nodes }: Policy): Eligibility {
  const eligibility = judgeNode(node, nodes);
  if (eligibility.verdict !== 'Eligible' || node.labels.disk === 'local') return eligibility;
  return { verdict: 'Ineligible', reason: 'NoLocalDisk', message: 'the node has no local disk' };
}

function resultOf(pod: RunPod): PodResult {
  if (!hasEnded(pod)) return { kind: 'Active' };
  if (lacksRoom(pod)) return { kind: 'Rejected', message: pod.reason ?? '' };
  switch (pod.exitCode) {
    case 0:
      return {
        kind: 'Done',
        result: 'Succeeded',
        tally: { missing: found.parse(JSON.parse(pod.containerMessage ?? '[]')) },
      };
    case 3:
      return { kind: 'Done', result: 'Failed', reason: 'Unreadable', message: 'the disk can not be read' };
    default:
      return { kind: 'NotDone', reason: 'InspectorCrashed', message: `exit code ${pod.exitCode}` };
  }
}
