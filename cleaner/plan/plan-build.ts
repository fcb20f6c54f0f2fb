import { type DiskUsage, usedPercent } from '../../contract/disk-usage.ts';
import type { PlanDocument, PlannedImage } from '../../contract/plan-document.ts';
import type { Decision } from '../decide.ts';
import type { Image } from '../runtime/runtime.ts';
import { setFields } from '../sets/policy-sets.ts';
import { describeTimes, isoTime } from './image-times.ts';
import { judgeImage, type Kept, type Verdict } from './judge.ts';
import { type Facts, type KeepRule, recordOf } from './keep-rules.ts';
import type { Removal } from './removal-order.ts';

/** Builds the document of a decision. `notes` are the remarks about it. */
export function buildPlan({ facts, rules, plan }: Decision, node: string, notes: readonly string[]): PlanDocument {
  const { job, diskUsage, history, now } = facts;
  const judge = makeJudge(facts, rules);
  const images = [
    ...plan.kept.map((kept) => ({
      ...describeImage(facts, kept.image),
      decision: 'keep' as const,
      reason: kept.reason,
      message: kept.message,
      ...(kept.set !== undefined && { set: kept.set }),
      verdicts: judge(kept.image, kept),
    })),
    ...plan.removals.map((removal) => ({
      ...describeImage(facts, removal.image),
      decision: 'remove' as const,
      message: describeRemoval(facts, removal),
      freesBytes: removal.freesBytes,
      ...(removal.cause && { set: removal.cause.set }),
      verdicts: judge(removal.image),
    })),
  ].toSorted(largestFirst);
  const totals = addUp(facts, plan.removals);
  return {
    version: 1,
    policy: job.policy,
    node,
    time: isoTime(now),
    // A history that began with this look shows no age.
    ...(now - history.startedAt >= 1_000 && { historySince: isoTime(history.startedAt) }),
    ...(job.disk && { disk: job.disk }),
    ...(diskUsage && { filesystem: describeFilesystem(diskUsage, totals.freesBytes) }),
    ...describeSets(facts),
    images,
    totals,
    notes: [...notes],
  };
}

/** The image sets of the policy, each with the fields that name it. */
function describeSets({ sets }: Facts): Pick<PlanDocument, 'sets'> {
  const all = setFields.flatMap((field) => sets[field].map((set) => ({ field, set })));
  if (all.length === 0) return {};
  const groups = [...Map.groupBy(all, ({ set }) => set.name)].map(([name, uses]) => {
    const problem = uses.find(({ set }) => set.problem !== undefined)?.set.problem;
    return { name, fields: uses.map(({ field }) => field), ...(problem !== undefined && { problem }) };
  });
  return { sets: groups };
}

/** The lines of the policy's sets that name an image. A set of two fields may name it by two lines. */
function describeHits({ sets }: Pick<Facts, 'sets'>, image: Image): Pick<PlannedImage, 'sets'> {
  const hits = setFields.flatMap((field) => sets[field].flatMap(({ find }) => find(image) ?? []));
  const unique = [...new Map(hits.map((hit) => [`${hit.set} ${hit.line} ${hit.key}`, hit])).values()];
  return unique.length === 0 ? {} : { sets: unique };
}

function describeImage({ inventory, history, ...facts }: Facts, image: Image) {
  const { id, names, sizeBytes, pinned } = image;
  const usedBy = inventory.inUse.get(id);
  return {
    id,
    names: [...names],
    sizeBytes,
    pinned,
    ...describeTimes(recordOf(history, image)),
    ...(usedBy && { usedBy: [...usedBy] }),
    ...describeHits(facts, image),
  };
}

/** The verdicts of all rules, and of the plan as a whole: the limit, and images whose removal frees nothing. */
function makeJudge(facts: Facts, rules: readonly KeepRule[]): (image: Image, kept?: Kept) => Verdict[] {
  const { maxPerRun } = facts.job.images;
  const otherwise = maxPerRun === undefined ? 'images.maxPerRun is not set' : `within images.maxPerRun (${maxPerRun})`;
  return (image, kept) => {
    const verdicts = [...judgeImage(rules, image), { rule: 'OverLimit', keeps: false, message: otherwise } as const];
    if (kept === undefined || verdicts.some(({ keeps }) => keeps)) return verdicts;
    return verdicts.map((verdict) =>
      verdict.rule === kept.reason ? { ...verdict, keeps: true, message: kept.message } : verdict,
    );
  };
}

function describeRemoval({ job }: Facts, { always, cause }: Removal): string {
  if (cause !== undefined) return cause.message;
  if (job.disk === undefined) return 'no rule keeps it';
  return always
    ? 'unused for longer than maxUnusedAge, so it is removed at any disk usage'
    : 'disk usage requires its removal';
}

function addUp({ inventory }: Facts, removals: readonly Removal[]): PlanDocument['totals'] {
  const isNominal = ({ image }: Removal) => {
    const { layers, sharedBytes } = inventory.details.get(image.id) ?? {};
    return layers === undefined && sharedBytes === undefined;
  };
  return {
    images: inventory.images.length,
    sizeBytes: sum(inventory.images.map(({ sizeBytes }) => sizeBytes)),
    removals: removals.length,
    freesBytes: sum(removals.map(({ freesBytes }) => freesBytes)),
    nominal: removals.filter(isNominal).length,
  };
}

function describeFilesystem(usage: DiskUsage, freesBytes: number): NonNullable<PlanDocument['filesystem']> {
  const { capacityBytes, usedBytes, availableBytes } = usage;
  const freed = Math.min(freesBytes, usedBytes);
  const after = { capacityBytes, usedBytes: usedBytes - freed, availableBytes: availableBytes + freed };
  return {
    capacityBytes,
    usedBytes,
    usedPercent: round(usedPercent(usage)),
    afterBytes: after.usedBytes,
    afterPercent: round(usedPercent(after)),
  };
}

function largestFirst(a: PlannedImage, b: PlannedImage): number {
  return b.sizeBytes - a.sizeBytes || (`${a.names[0]} ${a.id}` < `${b.names[0]} ${b.id}` ? -1 : 1);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function round(percent: number): number {
  return Math.round(percent * 10) / 10;
}
