import type { ClusterState } from '../../cluster.ts';
import type { Node, PolicyObject } from '../../objects.ts';
import type { ValidPolicy } from '../../policy/parse.ts';
import { parseOnce } from '../../policy/parse-once.ts';
import { lastResults } from '../../run/results/last-results.ts';
import { isFinished, type Run } from '../../run/run.ts';
import type { StartupFacts, StartupPolicy, StartupState } from '../../run/startup.ts';
import { purgeOf } from '../../status/purge-of.ts';
import type { ReconcileContext } from '../context.ts';
import { podsOf } from '../nodes/nodes-to-serve.ts';

/**
 * The policies for which nodes with the startup taint wait. A policy that is purged wants nothing. For a policy that is not
 * valid, nodes wait as its last valid version said: its mistake may be corrected in time.
 */
export function startupPolicies(context: ReconcileContext, state: ClusterState): readonly StartupPolicy[] {
  return state.policies.flatMap((object) => {
    const parsed = parseOnce(object, context.kinds);
    return parsed.valid ? validPolicy(context, state, object.name, parsed) : lastValidPolicy(context, state, object);
  });
}

function validPolicy(
  { journals }: ReconcileContext,
  state: ClusterState,
  name: string,
  parsed: ValidPolicy,
): StartupPolicy[] {
  const { policy } = parsed;
  const { startup } = parsed.kind;
  const timeoutSeconds = startup?.timeoutSecondsOf(policy);
  if (startup === undefined || timeoutSeconds === undefined) return [];
  if (purgeOf(state, name, parsed) !== undefined) return [];
  const runs = journals.of(name).runs.of(name);
  return [{ name, timeoutSeconds, stateOn: (node) => startup.stateOn(node, policy, factsOn(node, runs, state)) }];
}

function lastValidPolicy(
  { journals, kinds }: ReconcileContext,
  state: ClusterState,
  { name, uid }: PolicyObject,
): StartupPolicy[] {
  const status = state.statuses.get(name)?.value;
  const { lastKept, startupTimeoutSeconds: timeoutSeconds } = status ?? {};
  const kind = kinds.find((candidate) => candidate.name === lastKept?.kind);
  if (status?.policyUid !== uid || timeoutSeconds === undefined || kind === undefined) return [];
  const runs = journals.of(name).runs.of(name);
  const stateOn = (node: Node): StartupState => {
    if (!isKept(node, kind.keeping, lastKept?.kept)) return { state: 'NotReached' };
    const facts = factsOn(node, runs, state);
    const found = facts.last && kind.startup?.stateOn(node, facts.last.run.spec, facts);
    return found?.state === 'Served' ? found : { state: 'Missing', message: 'the policy is not valid' };
  };
  return [{ name, timeoutSeconds, stateOn }];
}

/** True if something is kept on the node, also if it can't be read: then the node waits until the timeout. */
function isKept(
  node: Node,
  keeping: { referencesOn(node: Node, kept: unknown): readonly string[] } | undefined,
  kept: unknown,
): boolean {
  try {
    return (keeping?.referencesOn(node, kept) ?? []).length > 0;
  } catch {
    return true;
  }
}

/** The facts of runs about this very node. An earlier node may have had its name. */
function factsOn(node: Node, runs: readonly Run[], state: ClusterState): StartupFacts {
  const last = lastResults(runs).get(node.name);
  const active = runs.find((run) => !isFinished(run) && run.nodes.get(node.name)?.memory !== undefined);
  return {
    last: last && isAbout(node, last.run, state) ? last : undefined,
    active:
      active && isAbout(node, active, state) ? { run: active, memory: active.nodes.get(node.name)?.memory } : undefined,
  };
}

/** True if the run began after the node was created, or if one of its pods on the node was created after that. */
function isAbout({ name, createdAt }: Node, run: Run, state: ClusterState): boolean {
  if (createdAt === undefined || run.startedAt >= createdAt) return true;
  return podsOf(state, run).some((pod) => pod.node === name && pod.createdAt >= createdAt);
}
