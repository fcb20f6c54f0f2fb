import pMap from 'p-map';
import { type ClusterState, callConcurrency } from '../../cluster.ts';
import type { Node } from '../../objects.ts';
import { hasStartupTaint } from '../../pods/startup-taint.ts';
import { maxCallsPerStep } from '../../run/rollout/nodes-to-start.ts';
import { type Opening, openingOf } from '../../run/startup.ts';
import { startupTaintTimedOut } from '../../status/events.ts';
import { announce } from '../announce.ts';
import type { ReconcileContext } from '../context.ts';
import { noRight } from './check-right.ts';
import { startupPolicies } from './startup-policies.ts';

/** The pause between two looks at nodes with the taint. Progress of runs is not written at each step, so no watch shows it. */
const lookAgainMs = 2_000;

/** The data of one pass over the nodes with the startup taint. */
interface StartupPass extends ReconcileContext {
  readonly state: ClusterState;
  readonly now: Date;
}

/** A node that loses the taint, with the cause. */
interface OpenedNode {
  readonly node: Node;
  readonly opening: Opening;
}

const taintedNodes = new WeakMap<ClusterState['nodes'], readonly Node[]>();

/** The nodes with the startup taint. They are found after a change of a node, not for each look. */
export function nodesWithStartupTaint({ nodes }: Pick<ClusterState, 'nodes'>): readonly Node[] {
  const known = taintedNodes.get(nodes) ?? nodes.filter(hasStartupTaint);
  taintedNodes.set(nodes, known);
  return known;
}

/**
 * Removes the startup taint from the nodes that wait no longer. Never rejects. Returns when to look again, or that no node has
 * the taint.
 */
export async function openNodes(context: ReconcileContext, now: Date): Promise<Date | 'Gone'> {
  const pass = { ...context, state: context.cluster.state(), now };
  const lookAgainAt = new Date(now.getTime() + lookAgainMs);
  try {
    forgetOthers(pass);
    noteLateAnswers(pass);
    await removeTaints(pass, nodesToOpen(pass));
    await reportTimeouts(pass);
  } catch (err) {
    context.log.error({ err }, `could not look after the nodes with the startup taint: ${String(err)}`);
    return lookAgainAt;
  }
  const isDone = nodesWithStartupTaint(context.cluster.state()).length === 0 && !context.journals.startup.isOpen();
  return isDone ? 'Gone' : lookAgainAt;
}

function forgetOthers({ journals, state }: StartupPass): void {
  journals.startup.retain(
    new Set(state.nodes.map(({ name }) => name)),
    new Set(state.policies.map(({ name }) => name)),
  );
}

/** Reports the removals that were done although they seemed to fail. */
function noteLateAnswers(pass: StartupPass): void {
  for (const node of pass.state.nodes) {
    const opening = pass.journals.startup.attemptedOn(node);
    if (opening !== undefined && !hasStartupTaint(node)) noteRemoval(pass, { node, opening });
  }
}

function nodesToOpen(pass: StartupPass): readonly OpenedNode[] {
  const { state, journals, now } = pass;
  const policies = startupPolicies(pass, state);
  return nodesWithStartupTaint(state)
    .filter((node) => !journals.startup.isHeld(node, now))
    .flatMap((node) => {
      const opening = openingOf(node, policies, now);
      return opening === undefined ? [] : [{ node, opening }];
    })
    .slice(0, maxCallsPerStep);
}

async function removeTaints(pass: StartupPass, opened: readonly OpenedNode[]): Promise<void> {
  if (opened.length === 0) return;
  const obstacle = await findObstacle(pass);
  if (pass.journals.startup.noteObstacle(obstacle))
    pass.log.warn({}, `nodes keep the startup taint for now: ${obstacle}`);
  if (obstacle === undefined) await pMap(opened, (node) => removeTaint(pass, node), { concurrency: callConcurrency });
}

/** The reason why no taint can be removed now. Without the right to do it, nothing is tried. */
async function findObstacle({ cluster }: StartupPass): Promise<string | undefined> {
  try {
    return (await cluster.mayRemoveStartupTaint()) ? undefined : noRight;
  } catch (error) {
    return String(error);
  }
}

async function removeTaint(pass: StartupPass, opened: OpenedNode): Promise<void> {
  try {
    await pass.cluster.removeStartupTaint(opened.node);
    noteRemoval(pass, opened);
  } catch (error) {
    noteFailure(pass, opened, error);
  }
}

function noteFailure({ journals, log, now }: StartupPass, { node, opening }: OpenedNode, err: unknown): void {
  const words = String(err);
  const isNew = journals.startup.noteFailure(node, { opening, words }, now);
  if (isNew) log.warn({ node: node.name, err }, `node ${node.name} keeps the startup taint for now: ${words}`);
}

function noteRemoval({ journals, log, now, observer }: StartupPass, { node, opening }: OpenedNode): void {
  const { name } = node;
  const isBack = journals.startup.noteRemoval(node, now);
  observer?.observeOpening?.(opening.cause);
  log.info({ node: name, cause: opening.cause }, `removed the startup taint from node ${name}: ${opening.cause}`);
  if (isBack) log.warn({ node: name }, `the startup taint had come back to node ${name}: find out what sets it again`);
  if (opening.cause !== 'TimedOut') return;
  for (const { policy, message } of opening.missing) journals.startup.noteTimeout(policy, { node: name, message });
}

/** Reports the nodes that have lost the taint by its timeout, in one Event for each policy and minute. */
async function reportTimeouts(pass: StartupPass): Promise<void> {
  for (const { policy, nodes } of pass.journals.startup.takeReports(pass.now)) {
    const object = pass.state.policies.find(({ name }) => name === policy);
    if (object !== undefined) await announce({ ...pass, object }, startupTaintTimedOut(nodes), { nodes: nodes.length });
  }
}
