import pMap from 'p-map';
import { type Cluster, callConcurrency } from '../cluster.ts';
import { JobTooLargeError } from '../pods/job-too-large.ts';
import { type RolloutStep, withRefused, withStarted } from '../run/rollout/rollout.ts';
import type { Run } from '../run/run.ts';
import { noSets } from '../sets/image-set.ts';
import { setTimesOf } from '../sets/problems.ts';
import { noteTrouble } from './attempt.ts';
import type { PolicyPass } from './context.ts';
import { createPod } from './keep-copies.ts';
import { releaseNode } from './ledger/release-node.ts';
import { readNodeNeeds, takesAway } from './nodes/node-needs.ts';

/** Creates the pods of a step; returns when to try again, if some could not be created. */
export async function startPods(pass: PolicyPass, run: Run, start: RolloutStep['start']): Promise<Date | undefined> {
  return start.length === 0 ? undefined : noteStarts(pass, run, start, await createPods(pass, run, start));
}

/** Stores that no pod of a step could be created, because their job could not be created; returns when to try again. */
export function refuseStarts(
  pass: PolicyPass,
  run: Run,
  start: RolloutStep['start'],
  error: unknown,
): Promise<Date | undefined> {
  return noteStarts(pass, run, start, new Map(start.map(({ node }) => [node.name, error])));
}

async function noteStarts(
  pass: PolicyPass,
  run: Run,
  start: RolloutStep['start'],
  refused: ReadonlyMap<string, unknown>,
): Promise<Date | undefined> {
  const { journal, object, now } = pass;
  const started = start.map(({ node }) => node.name).filter((name) => !refused.has(name));
  const retryAt = journal.creation.noteStep(run.name, { started: started.length, refused: refused.size }, now);
  journal.runs.advance(withRefused(withStarted(run, started), refused, retryAt));
  const step = {
    what: `start ${run.kind.words.worker}s of run ${run.name}`,
    run: run.name,
    condition: 'Progressing',
  } as const;
  const [[node, error] = []] = refused;
  if (refused.size === 0) {
    journal.troubles.clear(object.uid, step);
    return undefined;
  }
  // Most are refused for the same reason, so one line is enough.
  const others = refused.size > 1 ? ` and ${refused.size - 1} others` : '';
  await noteTrouble(pass, step, error, `on node ${node}${others}: ${String(error)}`);
  return retryAt;
}

/**
 * Creates pods, and returns the errors by node. The images to keep on a node are read as late as possible, right before the
 * cleaner is created. If they can't be read, the node gets no cleaner.
 */
async function createPods(
  pass: PolicyPass,
  run: Run,
  start: RolloutStep['start'],
): Promise<ReadonlyMap<string, unknown>> {
  const refused = new Map<string, unknown>();
  const nodes = start.map(({ node }) => node);
  const needsOf = await readNodeNeeds(pass, run, nodes);
  const startPod = async ({ node, attempt }: (typeof start)[number]) => {
    try {
      if (takesAway(run, node)) await releaseNode(pass, run, node);
      await createPod(pass, run, { node, attempt, needs: needsOf(node) });
    } catch (error) {
      refused.set(node.name, error);
    }
  };
  await pMap(start, startPod, { concurrency: callConcurrency });
  return refused;
}

/** The job of a run: it exists, can never exist, or can't exist now, for example because the workloads can't be listed. */
export type JobState =
  | { readonly kind: 'Exists' }
  | { readonly kind: 'TooLarge'; readonly message: string }
  | { readonly kind: 'Refused'; readonly error: unknown };

/** Ensures that the job of the run exists. */
export async function ensureJob({ cluster, journal }: PolicyPass, run: Run): Promise<JobState> {
  if (journal.jobs.has(run.name)) return { kind: 'Exists' };
  try {
    await createJob(cluster, run);
  } catch (error) {
    return error instanceof JobTooLargeError
      ? { kind: 'TooLarge', message: error.message }
      : { kind: 'Refused', error };
  }
  journal.jobs.add(run.name);
  return { kind: 'Exists' };
}

/** Creates the job of a run. Lists the workloads of the cluster, which is expensive, only if another process has not done it. */
async function createJob(cluster: Cluster, run: Run): Promise<void> {
  const needsReferences = run.kind.needsWorkloadReferences(run.spec);
  if (needsReferences && (await cluster.hasJob(run))) return;
  const workloadReferences = needsReferences ? await cluster.listWorkloadReferences() : [];
  const sets = run.kind.setsOf?.(run.spec);
  const setTimes = sets && setTimesOf(sets, cluster.state().imageSets ?? noSets);
  await cluster.createJob(run, run.kind.jobOf(run, { workloadReferences, setTimes }));
}
