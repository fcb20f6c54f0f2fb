import type { DiskUsage } from '../contract/disk-usage.ts';
import type { Job } from '../contract/job.ts';
import type { RunHistory } from './history/run-history.ts';
import { type Facts, type KeepRule, makeKeepRules } from './plan/keep-rules.ts';
import { limitShare } from './plan/max-percent-per-run.ts';
import { selectCrowded } from './plan/newest-per-repository.ts';
import { couldRemove, foreseePlan, makePlan, type Plan } from './plan/plan.ts';
import type { Inventory, ReadUsage } from './runtime/inventory.ts';
import { describeUninspected } from './runtime/remarks.ts';
import type { Image, Runtime } from './runtime/runtime.ts';
import { compileSets, isReadable, type PolicySets } from './sets/policy-sets.ts';
import { findRefusal } from './sets/set-errors.ts';

export type DecidePorts = {
  readonly runtime: Pick<Runtime, 'getSandboxImages' | 'inspectImages'>;
  readonly readUsage: ReadUsage;
  /** The image sets of the job. Without them, none of those that it names can be read. */
  readonly sets?: PolicySets | undefined;
  /** References of the cleaner's own image. */
  readonly ownReferences: readonly string[];
  readonly history: Pick<RunHistory, 'recall'>;
  /** Undefined if usage can't be measured and the job does not need it. */
  readonly measureDisk: () => Promise<DiskUsage | undefined>;
};

export type Decision = {
  readonly facts: Facts;
  /** The keep rules with these facts. */
  readonly rules: readonly KeepRule[];
  readonly plan: Plan;
};

/**
 * Reads the node and decides about every image. With `all` it also reads details that the decision does not need. In a dry
 * run the plan ends when usage is likely to be low enough.
 */
export async function decide(job: Job, ports: DecidePorts, all = false): Promise<Decision> {
  const { facts, rules } = await gatherFacts(job, ports, all);
  const plan = refuseOrLimit(makePlan(facts, rules), facts);
  return { facts, rules, plan: job.dryRun && !job.listsCandidates ? foreseePlan(plan, facts.diskUsage) : plan };
}

/**
 * True if the job can remove nothing without the usage of the disk: images that are unused for too long, and those that a set
 * of `removeFrom` names, go at any usage.
 */
export function needsDisk({ disk, images }: Job, sets: PolicySets | undefined): boolean {
  return disk !== undefined && images.maxUnusedAge === undefined && sets?.removeFrom.some(isReadable) !== true;
}

/** With image sets that forbid every removal, the rules keep every image, and the refusal says why. */
function refuseOrLimit(plan: Plan, facts: Facts): Plan {
  const refusal = findRefusal(facts.sets);
  return refusal === undefined ? limitShare(plan, facts) : { ...plan, refusal };
}

/** Reads the lists first, and the details only if the lists show that an image could be removed. */
async function gatherFacts(job: Job, ports: DecidePorts, all: boolean): Promise<Omit<Decision, 'plan'>> {
  const { runtime, ownReferences } = ports;
  const [usage, diskUsage] = await Promise.all([ports.readUsage(), ports.measureDisk()]);
  const { history, now } = await ports.history.recall(usage);
  const inventory: Inventory = { ...usage, sandboxReferences: [], details: new Map() };
  const sets = ports.sets ?? compileSets(job, [], now);
  const facts: Facts = { job, sets, inventory, history, ownReferences, diskUsage, now };
  const rules = makeKeepRules(facts);
  if (!all && !couldRemove(facts, rules)) return { facts, rules };
  const inspected = all ? idsOf(usage.images) : selectToInspect(job, usage.images);
  const [sandboxReferences, known] = await Promise.all([runtime.getSandboxImages(), runtime.inspectImages(inspected)]);
  const details = new Map(known.map((detail) => [detail.id, detail]));
  const unknown = new Set(inspected.filter((id) => !details.has(id)));
  const remarks = [...usage.remarks, ...describeUninspected(usage.images.filter(({ id }) => unknown.has(id)))];
  const informed: Facts = { ...facts, inventory: { ...inventory, sandboxReferences, details, remarks } };
  return { facts: informed, rules: makeKeepRules(informed) };
}

/** With thresholds the layers of all images matter; otherwise only the build times in repositories with many images. */
function selectToInspect({ disk, images: { keepNewestPerRepository } }: Job, images: readonly Image[]) {
  return disk === undefined ? selectCrowded(images, keepNewestPerRepository) : idsOf(images);
}

function idsOf(images: readonly Image[]): readonly string[] {
  return images.map(({ id }) => id);
}
