import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobDocument } from '../../../contract/job.ts';
import { type PlanDocument, parsePlan } from '../../../contract/plan-document.ts';
import { cleanupJob } from '../../../scheduler/cleanup/job.ts';
import { cleanup } from '../../../scheduler/cleanup/kind.ts';
import type { CleanupDocument, CleanupPolicy } from '../../../scheduler/cleanup/policy.ts';
import { setNeeds } from '../../../scheduler/cleanup/set-needs.ts';
import type { NodeNeeds } from '../../../scheduler/cluster.ts';
import { runKinds } from '../../../scheduler/kinds.ts';
import type { Node, PolicyObject } from '../../../scheduler/objects.ts';
import { newRun } from '../../../scheduler/run/run.ts';
import { namesOf } from '../../../scheduler/sets/problems.ts';
import { type Keeper, referencesKeptOn } from '../../../scheduler/status/kept-references.ts';
import { judgePlanPod } from './plan-pod.ts';
import { PlanError, type PlanNode, type PlanPort } from './plan-port.ts';

/** A request for a plan, and the time to wait for it. */
export interface FreshRequest {
  readonly object: PolicyObject;
  readonly document: CleanupDocument;
  readonly policy: CleanupPolicy;
  readonly node: Node;
  /** The policies that keep images on nodes. */
  readonly keepers: readonly Keeper[];
  readonly timeoutSeconds: number;
}

const pollMs = 500;
/** After this time nobody waits for a plan any more, and its pod may be deleted. */
const leftoverMs = 3_600_000;

/** Starts a pod on the node that makes a plan. Deletes all objects of the plan at the end, also after an error. */
export async function planFresh(
  request: FreshRequest,
  cluster: PlanPort,
  now: Date,
  signal: AbortSignal,
): Promise<PlanDocument> {
  const { object: policy, timeoutSeconds } = request;
  const node = requireAnswering(request.node);
  for (const name of await cluster.listLeftovers(leftoverMs)) await cluster.deletePlan(name);
  const name = `nodesweep-plan-${randomUUID().slice(0, 8)}`;
  const sets = namesOf(setNeeds(request.policy)?.uses ?? []);
  const job = await buildJob(name, { ...request, sets }, cluster, now);
  const needs = await readNeeds(request, cluster);
  try {
    await cluster.createPlan({ name, policy, node, job, needs, sets, timeoutSeconds });
    await waitForEnd(name, request, cluster, signal);
    return await readPlan(name, node.name, cluster);
  } finally {
    await cluster.deletePlan(name);
  }
}

/** Checks first that a pod can start on the node. */
function requireAnswering(node: Node): PlanNode {
  const { name, ready, runtime, containerRuntimeVersion } = node;
  if (!ready) throw new PlanError(`node ${name} is not ready, so no pod can make a plan there`);
  if (runtime !== undefined) return { ...node, runtime };
  throw new PlanError(
    `no socket is known for the runtime "${containerRuntimeVersion}" of node ${name}; name it in the scheduler's NODESWEEP_SOCKETS, and a directory beside its images in NODESWEEP_STATE_DIRECTORIES`,
  );
}

/** The job that a run would pass to its cleaners now. */
async function buildJob(
  name: string,
  { object, document, policy, sets }: FreshRequest & { readonly sets: readonly string[] },
  cluster: PlanPort,
  now: Date,
): Promise<JobDocument> {
  const setTimes = sets.length === 0 ? undefined : { ...(await cluster.readSetTimes(sets)) };
  const workloadReferences = policy.images.protectWorkloads ? await cluster.listWorkloadReferences() : [];
  const trigger = { type: 'Request', request: name } as const;
  const run = newRun(
    { kind: cleanup, policy: object.name, trigger, document, spec: policy, resumedBy: undefined },
    now,
  );
  return cleanupJob({ ...run, name, document, spec: policy }, workloadReferences, setTimes);
}

/** The facts that a cleaner on the node would be told. */
async function readNeeds({ node, keepers }: FreshRequest, cluster: PlanPort): Promise<NodeNeeds> {
  const bound = await cluster.readBoundPods(node.name);
  return { ...bound, prepulled: referencesKeptOn(node, keepers, runKinds) };
}

async function waitForEnd(
  name: string,
  { node, timeoutSeconds }: FreshRequest,
  cluster: PlanPort,
  signal: AbortSignal,
): Promise<void> {
  const deadline = AbortSignal.timeout(timeoutSeconds * 1_000);
  for (;;) {
    if (signal.aborted) throw new PlanError(`interrupted; pod ${name} was deleted`);
    const progress = judgePlanPod(await cluster.readPod(name));
    if (progress.state === 'Done') return;
    if (progress.state === 'Failed') {
      const why = (await readLastWords(name, cluster)) ?? progress.message;
      throw new PlanError(`pod ${name} made no plan on node ${node.name}: ${why}`);
    }
    if (deadline.aborted) {
      const trouble = (await cluster.readPodWarning(name)) ?? 'the cause is unknown; try a longer --timeout';
      throw new PlanError(`pod ${name} on node ${node.name} did not end within ${timeoutSeconds} s: ${trouble}`);
    }
    await sleep(pollMs, undefined, { signal: AbortSignal.any([signal, deadline]) }).catch(() => {});
  }
}

/** The last error in the log of a pod that ended with an error. */
async function readLastWords(name: string, cluster: PlanPort): Promise<string | undefined> {
  const lines = (await cluster.readLog(name)).split('\n');
  return lines.findLast((line) => line.startsWith('nodesweep: '))?.slice('nodesweep: '.length);
}

async function readPlan(name: string, node: string, cluster: PlanPort): Promise<PlanDocument> {
  const log = await cluster.readLog(name);
  const plan = log
    .split('\n')
    .map(parsePlan)
    .find((candidate) => candidate !== undefined);
  if (plan !== undefined) return plan;
  throw new PlanError(
    `pod ${name} on node ${node} succeeded, but its log has no plan of version 1 (it begins with ${JSON.stringify(log.slice(0, 60))}); use the nodesweep of the scheduler's release`,
  );
}
