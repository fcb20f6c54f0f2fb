import { fullestNodes, lastFigures } from '../cleanup/last-figures.ts';
import type { ClusterState } from '../cluster.ts';
import { runKinds } from '../kinds.ts';
import { parseOnce } from '../policy/parse-once.ts';
import { prepull } from '../prepull/kind.ts';
import { countImages } from '../prepull/overview.ts';
import { outcomeOf } from '../run/outcome.ts';
import { lastFullRun, lastVerdict } from '../run/results/verdict.ts';
import { isFinished, type Run } from '../run/run.ts';
import { summarize } from '../run/summary.ts';
import { type ImageSet, noSets } from '../sets/image-set.ts';
import { namesOf, setNeedsOf, setProblemsOf } from '../sets/problems.ts';
import type { PolicyStatus } from '../status/status.ts';
import { countWithoutSuccess } from '../status/without-success.ts';

/** The parts of the state of the cluster that gauges show. */
export type ObservedState = Pick<ClusterState, 'policies' | 'statuses' | 'runs' | 'nodes' | 'imageSets'>;

/** The state of the cluster at a scrape. */
export interface GaugeView {
  readonly state: ObservedState;
  /** The runs of the policies that exist, by policy. */
  readonly runsOf: ReadonlyMap<string, readonly Run[]>;
  readonly nodes: ReadonlySet<string>;
  readonly now: Date;
}

/** The values of the labels, in the order of their names, and the value of the gauge. */
type Sample = readonly [labels: readonly string[], value: number];

/** A gauge that is read from the state of the cluster. */
export interface GaugeDefinition {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  read(view: GaugeView): Iterable<Sample>;
}

/** The number of nodes whose disk is shown. A series for each node of a large cluster costs Prometheus too much. */
const maxNodes = 20;

export function viewOf(state: ObservedState, now: Date): GaugeView {
  const byPolicy = Map.groupBy(
    state.runs.map(({ value }) => value),
    ({ policy }) => policy,
  );
  return {
    state,
    runsOf: new Map(state.policies.map(({ name }) => [name, byPolicy.get(name) ?? []])),
    nodes: new Set(state.nodes.map(({ name }) => name)),
    now,
  };
}

/** The gauges of policies and their runs. docs/operations.md lists them. */
export const gauges: readonly GaugeDefinition[] = [
  {
    name: 'nodesweep_runs_active',
    help: 'Runs that have not ended.',
    labelNames: [],
    read: ({ state }) => [[[], state.runs.filter(({ value }) => !isFinished(value)).length]],
  },
  {
    name: 'nodesweep_runs_paused',
    help: 'Runs that are paused until somebody resumes them, by policy.',
    labelNames: ['policy'],
    read: ({ runsOf }) =>
      [...runsOf].map(([policy, runs]) => [[policy], runs.filter(({ phase }) => phase === 'Paused').length]),
  },
  {
    name: 'nodesweep_policy_valid',
    help: '1 for a valid policy, 0 for a policy with problems.',
    labelNames: ['policy'],
    read: ({ state: { policies, statuses } }) =>
      policies.map(({ name }) => [[name], Number(statuses.get(name)?.value?.valid ?? true)]),
  },
  {
    name: 'nodesweep_policy_last_success_timestamp_seconds',
    help: 'End of the last run of a policy for all of its nodes in which every node succeeded or was skipped.',
    labelNames: ['policy'],
    read: (view) => timesOf(view, ({ lastSuccessfulTime }) => lastSuccessfulTime),
  },
  {
    name: 'nodesweep_policy_next_schedule_timestamp_seconds',
    help: 'Next scheduled time of a policy. Absent if the policy is suspended or not valid.',
    labelNames: ['policy'],
    read: (view) => timesOf(view, ({ nextSlot }) => nextSlot),
  },
  {
    name: 'nodesweep_policy_schedules_without_success',
    help: 'Scheduled times of a policy since its last success, up to 10. That of an active run does not count yet.',
    labelNames: ['policy'],
    read: readWithoutSuccess,
  },
  {
    name: 'nodesweep_last_run_outcome',
    help: '1 for the outcome of the last run of a policy. Successful runs for some of its nodes do not count.',
    labelNames: ['policy', 'outcome'],
    read: ({ runsOf }) =>
      lastRuns(runsOf, lastVerdict).map(([policy, run]): Sample => [[policy, outcomeOf(run) ?? run.phase], 1]),
  },
  {
    name: 'nodesweep_last_run_nodes',
    help: 'Nodes of the last run of a policy for all of its nodes, by result (succeeded, failed, skipped).',
    labelNames: ['policy', 'result'],
    read: ({ runsOf }) => lastRuns(runsOf, lastFullRun).flatMap(([policy, run]) => nodesByResult(policy, run)),
  },
  {
    name: 'nodesweep_node_disk_capacity_bytes',
    help: 'Size of the filesystem with the images, on the 20 nodes that were fullest after their last run.',
    labelNames: ['policy', 'node'],
    read: (view) => disksOf(view).map(({ policy, node, capacityBytes }): Sample => [[policy, node], capacityBytes]),
  },
  {
    name: 'nodesweep_node_disk_used_bytes',
    help: 'Used bytes of the filesystem with the images before and after the last run on a node, on the 20 nodes that were fullest after it.',
    labelNames: ['policy', 'node', 'when'],
    read: (view) =>
      disksOf(view).flatMap(({ policy, node, usedBeforeBytes, usedAfterBytes }): Sample[] => [
        [[policy, node, 'before'], usedBeforeBytes],
        [[policy, node, 'after'], usedAfterBytes],
      ]),
  },
  {
    name: 'nodesweep_nodes_above_target',
    help: 'Nodes whose disk usage stayed above lowPercent after their last run, by policy; freed is false for those on which nothing was freed.',
    labelNames: ['policy', 'freed'],
    read: (view) =>
      figuresOf(view).flatMap(([policy, { aboveTarget }]): Sample[] => [
        [[policy, 'true'], aboveTarget.freed],
        [[policy, 'false'], aboveTarget.notFreed],
      ]),
  },
  {
    name: 'nodesweep_kept_images',
    help: 'Images that the last runs on nodes have kept, each counted on each node, by reason.',
    labelNames: ['policy', 'reason'],
    read: (view) => readKept(view, 'images'),
  },
  {
    name: 'nodesweep_kept_bytes',
    help: 'Sizes of the images that the last runs on nodes have kept, by reason. Images may share layers.',
    labelNames: ['policy', 'reason'],
    read: (view) => readKept(view, 'bytes'),
  },
  {
    name: 'nodesweep_image_set_last_update_timestamp_seconds',
    help: 'Last complete look of an image set at its source. Absent if it is unknown.',
    labelNames: ['set'],
    read: ({ state }) =>
      setsOf(state).flatMap(({ name, updatedAt }): Sample[] =>
        updatedAt === undefined ? [] : [[[name], updatedAt.getTime() / 1000]],
      ),
  },
  {
    name: 'nodesweep_image_set_entries',
    help: 'Lines of an image set that name images. Absent if it has no keys, is no text, or is too large.',
    labelNames: ['set'],
    read: (view) => readLines(view, 'entries'),
  },
  {
    name: 'nodesweep_image_set_invalid_lines',
    help: 'Malformed lines of an image set, which have no effect.',
    labelNames: ['set'],
    read: (view) => readLines(view, 'invalidLines'),
  },
  {
    name: 'nodesweep_policy_image_set_problem',
    help: '1 if an image set that a policy names is missing, unreadable or too old, or has malformed lines, else 0.',
    labelNames: ['policy', 'set'],
    read: readSetProblems,
  },
  {
    name: 'nodesweep_prepull_images',
    help: 'Images of lists, each counted on each node, by state (Present, Pulling, Stale, Failed, Unknown, and Removed or InUse for those to remove).',
    labelNames: ['policy', 'state'],
    read: readListImages,
  },
];

function setsOf({ imageSets = noSets }: ObservedState): readonly ImageSet[] {
  return [...imageSets.byName.values()];
}

function readLines({ state }: GaugeView, figure: 'entries' | 'invalidLines'): Sample[] {
  return setsOf(state).flatMap(({ name, content }): Sample[] =>
    content.kind === 'Readable' ? [[[name], content[figure]]] : [],
  );
}

function readSetProblems({ state, now }: GaugeView): Sample[] {
  return state.policies.flatMap((object): Sample[] => {
    const parsed = parseOnce(object, runKinds);
    const bad = new Set(setProblemsOf(parsed, state, now)?.map(({ set }) => set));
    const names = namesOf(setNeedsOf(parsed)?.uses ?? []);
    return names.map((set) => [[object.name, set], Number(bad.has(set))]);
  });
}

function readKept(view: GaugeView, figure: 'images' | 'bytes'): Sample[] {
  return figuresOf(view).flatMap(([policy, { kept }]) =>
    [...kept].map(([reason, figures]): Sample => [[policy, reason], figures[figure]]),
  );
}

function timesOf({ state }: GaugeView, timeOf: (status: PolicyStatus) => Date | undefined): Sample[] {
  return statusesOf(state).flatMap(([policy, status]): Sample[] => {
    const time = timeOf(status);
    return time === undefined ? [] : [[[policy], time.getTime() / 1000]];
  });
}

function statusesOf({ policies, statuses }: ObservedState): (readonly [string, PolicyStatus])[] {
  return policies.flatMap(({ name }) => {
    const status = statuses.get(name)?.value;
    return status === undefined ? [] : [[name, status] as const];
  });
}

function readWithoutSuccess({ state, runsOf, now }: GaugeView): Sample[] {
  const objects = new Map(state.policies.map((object) => [object.name, object]));
  return statusesOf(state).flatMap(([name, status]): Sample[] => {
    const object = objects.get(name);
    // A status without a schedule was written by an earlier version, and is written again at the next pass.
    if (object === undefined || !status.valid || status.schedule === undefined) return [];
    const parsed = parseOnce(object, runKinds);
    if (!parsed.valid) return [];
    return [[[name], countWithoutSuccess(status, parsed.policy, runsOf.get(name) ?? [], now)]];
  });
}

function lastRuns(runsOf: GaugeView['runsOf'], lastOf: typeof lastFullRun): (readonly [string, Run])[] {
  return [...runsOf].flatMap(([policy, runs]) => {
    const last = lastOf(runs);
    return last === undefined ? [] : [[policy, last] as const];
  });
}

function nodesByResult(policy: string, run: Run): Sample[] {
  const { nodes } = summarize(run);
  return (['succeeded', 'failed', 'skipped'] as const).map((result) => [[policy, result], nodes[result]]);
}

function disksOf({ runsOf, nodes }: GaugeView): ReturnType<typeof fullestNodes> {
  return fullestNodes([...runsOf.values()].flat(), nodes, maxNodes);
}

function figuresOf({ runsOf, nodes }: GaugeView) {
  return [...runsOf]
    .filter(([, runs]) => runs.some(({ kind }) => kind.name !== prepull.name))
    .map(([policy, runs]) => [policy, lastFigures(runs, nodes)] as const);
}

/** Also shows runs of policies that are gone, which still take images away. */
function readListImages({ state }: GaugeView): Sample[] {
  const pulling = state.runs.map(({ value }) => value).filter(({ kind }) => kind.name === prepull.name);
  return [...Map.groupBy(pulling, ({ policy }) => policy)].flatMap(([policy, runs]) =>
    Object.entries(countImages(runs)).map(([name, count]): Sample => [[policy, name], count]),
  );
}
