import pMap from 'p-map';
import { JobTooLargeError } from '../cleanup/job-maps.ts';
import { type BoundPods, callConcurrency } from '../cluster.ts';
import { type RolloutStep, withRefused, withStarted } from '../run/rollout.ts';
import { jobOf, type Run } from '../run/run.ts';
import type { PolicyPass } from './context.ts';

/** Creates the pods of a step; returns when to try again those that could not be created, if any. */
export async function startPods(pass: PolicyPass, run: Run, start: RolloutStep['start']): Promise<Date | undefined> {
  const { journal, now } = pass;
  if (start.length === 0) return undefined;
  const refused = await createPods(pass, run, start);
  const started = start.map(({ node }) => node.name).filter((name) => !refused.has(name));
  const retryAt = journal.creation.noteStep(run.name, { started: started.length, refused: refused.size }, now);
  journal.runs.advance(withRefused(withStarted(run, started), refused, retryAt));
  if (refused.size === 0) return undefined;
  logRefused(pass, run, refused);
  return retryAt;
}

/**
 * Creates pods, and returns the errors by node. Which images the pods bound to a node name is read as late as possible: right
 * before its cleaner. Where that can't be read, none is started.
 */
async function createPods(
  { cluster }: PolicyPass,
  run: Run,
  start: RolloutStep['start'],
): Promise<ReadonlyMap<string, unknown>> {
  const refused = new Map<string, unknown>();
  const names = start.map(({ node }) => node.name);
  const boundPods = await cluster.readBoundPods(names).catch((error: unknown) => {
    for (const name of names) refused.set(name, error);
    return new Map<string, BoundPods>();
  });
  const startPod = async ({ node, attempt }: (typeof start)[number]) => {
    const bound = boundPods.get(node.name);
    if (bound === undefined) return;
    try {
      await cluster.createPod(run, node, attempt, bound);
    } catch (error) {
      refused.set(node.name, error);
    }
  };
  await pMap(start, startPod, { concurrency: callConcurrency });
  return refused;
}

/** Mostly all are refused for the same reason: one line says it. */
function logRefused({ log }: PolicyPass, run: Run, refused: ReadonlyMap<string, unknown>): void {
  const [[node, error] = []] = refused;
  const others = refused.size > 1 ? `, nor on ${refused.size - 1} others` : '';
  const message = `run ${run.name}: no pod on node ${node} yet${others}, trying again: ${String(error)}`;
  log.warn({ run: run.name, nodes: [...refused.keys()], err: error }, message);
}

/** Makes sure that the run's job exists; returns why it never can, where that is so. */
export async function ensureJob({ cluster, journal }: PolicyPass, run: Run): Promise<string | undefined> {
  if (journal.jobs.has(run.name)) return undefined;
  const workloadReferences = run.spec.images.protectWorkloads ? await cluster.listWorkloadReferences() : [];
  try {
    await cluster.createJob(run, jobOf(run, workloadReferences));
  } catch (error) {
    if (error instanceof JobTooLargeError) return error.message;
    throw error;
  }
  journal.jobs.add(run.name);
  return undefined;
}
