import { compareNames } from '../../contract/text.ts';
import type { CleanupTotals } from '../cleanup/tally.ts';
import type { ClusterState } from '../cluster.ts';
import type { PolicyObject } from '../objects.ts';
import type { ParsedPolicy } from '../policy/parse.ts';
import { parseOnce } from '../policy/parse-once.ts';
import { briefProblems, type Problem } from '../policy/problem.ts';
import type { Trigger } from '../policy/trigger.ts';
import { isPrepull } from '../prepull/kind.ts';
import { type ImageOverview, imageOverviews, type RemovalOverview, removalOverviews } from '../prepull/overview.ts';
import type { PrepullTotals } from '../prepull/tally.ts';
import type { RunKind } from '../run/kind.ts';
import { onceFor } from '../run/once-for.ts';
import { outcomeOf, type RunOutcome } from '../run/outcome.ts';
import type { Run, RunPhase } from '../run/run.ts';
import { problemsOf, type Summary, summarize } from '../run/summary.ts';
import type { Condition } from '../status/conditions.ts';
import type { PolicyStatus } from '../status/status.ts';
import { type Cause, groupCauses } from './causes.ts';

/** A run in the output for people and programs. */
export interface RunOverview extends Omit<Summary, 'totals'>, Partial<Pick<CleanupTotals, 'bytes' | 'sets'>> {
  /** The figures of the images, by the kind of the run. */
  readonly images?: CleanupTotals['images'] | PrepullTotals['images'];
  readonly run: string;
  readonly trigger: Trigger;
  readonly dryRun: boolean;
  readonly phase: RunPhase;
  /** Undefined until the run has ended. */
  readonly outcome: RunOutcome | undefined;
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly startedAt: Date;
  readonly finishedAt: Date | undefined;
  /** The problems of all nodes, equal ones together. */
  readonly causes: readonly Cause[];
}

/** A policy in the output for people and programs. */
export interface PolicyOverview {
  readonly policy: string;
  readonly valid: boolean;
  readonly problems: readonly Problem[];
  /** False if no scheduler has read the latest version of the policy. */
  readonly observed: boolean;
  readonly suspended: boolean;
  readonly schedule: string | undefined;
  readonly timeZone: string | undefined;
  readonly nextSlot: Date | undefined;
  readonly conditions: readonly Condition[];
  /** For image lists: each image, with the nodes that have it. */
  readonly images?: readonly ImageOverview[];
  /** For image lists: the images that the newest runs had to remove from nodes. */
  readonly removals?: readonly RemovalOverview[];
  /** The runs that have a record, the newest first. */
  readonly runs: readonly RunOverview[];
}

/** The scheduler's records of every policy, sorted by name. Only the newest `maxRuns` runs of each are described. */
export function describePolicies(
  state: Pick<ClusterState, 'policies' | 'statuses' | 'runs'>,
  kinds: readonly RunKind[],
  maxRuns = Number.POSITIVE_INFINITY,
): PolicyOverview[] {
  const runs = Map.groupBy(
    state.runs.map(({ value }) => value),
    ({ policy }) => policy,
  );
  return state.policies
    .map((object) => {
      const ofPolicy = runs.get(object.name) ?? [];
      return {
        ...describePolicy(object, parseOnce(object, kinds), state.statuses.get(object.name)?.value, ofPolicy),
        runs: newestFirst(ofPolicy).slice(0, maxRuns).map(describeRun),
      };
    })
    .sort((a, b) => compareNames(a.policy, b.policy));
}

/** Describes a run. A run never changes, so it is described once: it may have thousands of nodes. */
export const describeRun = onceFor(overviewOf);

function overviewOf(run: Run): RunOverview {
  const { name, trigger, spec, phase, reason, message, startedAt, finishedAt } = run;
  const state = {
    trigger,
    dryRun: spec.dryRun,
    phase,
    outcome: outcomeOf(run),
    reason,
    message,
    startedAt,
    finishedAt,
  };
  const { nodes, totals, ...problems } = summarize(run);
  return { run: name, ...state, nodes, ...totals, ...problems, causes: groupCauses(problemsOf(run)) };
}

/** The policy is parsed again, to show its problems even if no scheduler runs. */
function describePolicy(
  object: PolicyObject,
  parsed: ParsedPolicy,
  status: PolicyStatus | undefined,
  runs: readonly Run[],
): Omit<PolicyOverview, 'runs'> {
  const isObserved = status?.policyUid === object.uid && status.observedVersion === object.resourceVersion;
  return {
    policy: object.name,
    valid: parsed.valid,
    problems: parsed.valid ? [] : briefProblems(parsed.problems),
    observed: isObserved,
    suspended: parsed.valid && parsed.policy.suspend,
    schedule: parsed.valid ? parsed.policy.schedule : undefined,
    timeZone: parsed.valid ? parsed.policy.timeZone : undefined,
    nextSlot: isObserved ? status.nextSlot : undefined,
    conditions: status?.conditions ?? [],
    ...(parsed.valid &&
      isPrepull(parsed) && {
        images: imageOverviews(parsed.policy, runs),
        removals: removalOverviews(runs),
      }),
  };
}

function newestFirst(runs: readonly Run[]): readonly Run[] {
  return runs.toSorted((one, other) => other.startedAt.getTime() - one.startedAt.getTime());
}
