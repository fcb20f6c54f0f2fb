import type { DiskUsage } from '../contract/disk-usage.ts';
import { messageOf } from '../contract/errors.ts';
import type { Job } from '../contract/job.ts';
import type { PlanDocument } from '../contract/plan-document.ts';
import { decide, needsDisk } from './decide.ts';
import type { HistoryRemark, RunHistory } from './history/run-history.ts';
import { buildPlan } from './plan/plan-build.ts';
import type { ReadUsage } from './runtime/inventory.ts';
import type { Runtime } from './runtime/runtime.ts';
import type { PolicySets } from './sets/policy-sets.ts';
import { describeSetErrors } from './sets/set-errors.ts';

/** The parts of a node that a plan needs. None of them can change the node. */
export type PlanPorts = {
  readonly runtime: Pick<Runtime, 'getSandboxImages' | 'inspectImages'>;
  readonly readUsage: ReadUsage;
  readonly node: string;
  /** The image sets of the job. Without them, none of those that it names can be read. */
  readonly sets?: PolicySets | undefined;
  /** References of the cleaner's own image. */
  readonly ownReferences: readonly string[];
  readonly openHistory: (onRemark: (remark: HistoryRemark) => void) => Pick<RunHistory, 'recall'>;
  readonly measureDisk: () => Promise<DiskUsage>;
};

/** Decides about every image as a run would, but changes nothing. Fails if a run would not begin. */
export async function planNode(job: Job, ports: PlanPorts): Promise<PlanDocument> {
  const notes: string[] = [];
  const decision = await decide(
    { ...job, dryRun: true },
    {
      ...ports,
      history: ports.openHistory(({ message }) => notes.push(message)),
      measureDisk: async () => {
        try {
          return await ports.measureDisk();
        } catch (error) {
          if (needsDisk(job, ports.sets)) throw error;
          notes.push(`disk usage can't be measured: ${messageOf(error)}`);
          return undefined;
        }
      },
    },
    true,
  );
  const { facts, plan } = decision;
  const reasons = [...(plan.refusal === undefined ? [] : [plan.refusal]), ...describeSetErrors(facts.sets)];
  const messagesOf = (remarks: readonly { readonly message: string }[]) => remarks.map(({ message }) => message);
  return buildPlan(decision, ports.node, [...messagesOf(reasons), ...notes, ...messagesOf(facts.inventory.remarks)]);
}
