import type { Job } from '../contract/job.ts';
import type { PlanDocument } from '../contract/plan-document.ts';
import { decide, needsDisk } from './decide.ts';
import type { Clock } from './history/clock.ts';
import type { LoadedHistory } from './history/file.ts';
import type { DiskUsage } from './plan/disk-usage.ts';
import { buildPlan } from './plan/plan-build.ts';
import type { ReadUsage } from './runtime/inventory.ts';
import type { Runtime } from './runtime/runtime.ts';

/** What a plan needs of its node; nothing here can change it. */
export type PlanPorts = {
  readonly runtime: Pick<Runtime, 'getSandboxImages' | 'inspectImages'>;
  readonly readUsage: ReadUsage;
  readonly clock: Clock;
  readonly node: string;
  /** References of the cleaner's own image. */
  readonly ownReferences: readonly string[];
  readonly loadHistory: () => Promise<LoadedHistory>;
  readonly measureDisk: () => Promise<DiskUsage>;
};

/** Decides about every image as a run would, and does nothing. Fails where a run would not begin. */
export async function planNode(job: Job, ports: PlanPorts): Promise<PlanDocument> {
  const notes: string[] = [];
  const decision = await decide(
    { ...job, dryRun: true },
    {
      ...ports,
      now: ports.clock.now,
      loadHistory: async () => {
        const loaded = await ports.loadHistory();
        if (loaded.kind === 'Found') return loaded.history;
        const reason = loaded.kind === 'Missing' ? 'no run was here before' : loaded.reason;
        notes.push(`${reason}: every image counts as old enough, and none as long unused`);
        return undefined;
      },
      measureDisk: async () => {
        try {
          return await ports.measureDisk();
        } catch (error) {
          if (needsDisk(job)) throw error;
          notes.push(`disk usage can't be measured: ${error instanceof Error ? error.message : String(error)}`);
          return undefined;
        }
      },
    },
    true,
  );
  return buildPlan(decision, ports.node, [...notes, ...decision.facts.inventory.remarks]);
}
