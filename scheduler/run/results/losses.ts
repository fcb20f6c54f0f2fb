import type { Node, RunPod } from '../../objects.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Run } from '../run.ts';

/** Something that runs have put on a node, and that the node had lost again before a later run. */
export interface Loss {
  readonly node: string;
  readonly what: string;
  /** The number of runs in a row that found it lost. */
  readonly times: number;
}

/** The losses that are known after a run. */
export interface KnownLosses {
  /** The name of the run. */
  readonly run: string;
  readonly seen: readonly Loss[];
}

/** A run that has ended, with the facts that tell what its nodes had lost before it. */
export interface EndedRun {
  readonly run: Run;
  readonly nodes: readonly Node[];
  readonly pods: readonly RunPod[];
  /** The other runs of the policy. */
  readonly others: readonly Run[];
  /** The losses that were known before. */
  readonly known: readonly Loss[];
}

/** The report of the kubelet about the image of a container: it pulled the image, or the image was there. */
export type ImageReport = 'Pulled' | 'Present';

/** Reports by name of the container. There is none for a container of which the kubelet told nothing, or always pulls. */
export type ImageReports = ReadonlyMap<string, ImageReport>;

/** The rules of a kind whose runs put something on nodes that others may take away. */
export interface LossRules {
  /** The pods whose reports are read. They are few, because each costs requests. */
  podsToAsk(ended: EndedRun): readonly RunPod[];
  /** The losses after the run. `reports` has the reports about pods by name. What is not reported does not change. */
  lossesAfter(ended: EndedRun, reports: ReadonlyMap<string, ImageReports>): readonly Loss[];
  /** Describes losses, with the possible causes and the next step. */
  describe(policy: Policy, losses: readonly Loss[]): string;
}

/** The number of runs in a row after which a loss is told. Once may be an accident. */
const toldAfter = 2;

/** The losses that happen again and again. */
export function repeated(losses: readonly Loss[]): readonly Loss[] {
  return losses.filter(({ times }) => times >= toldAfter);
}
