import pMap from 'p-map';
import type { StoredStatus } from '../../cluster.ts';
import type { RunPod } from '../../objects.ts';
import type { ImageReports, KnownLosses } from '../../run/results/losses.ts';
import { isFinished, type Run } from '../../run/run.ts';
import type { PolicyPass } from '../context.ts';
import { podsOf } from './nodes-to-serve.ts';

/** The API server keeps Events for an hour by default. An older run is not judged. */
const maxAgeMs = 1_800_000;

/**
 * Finds what nodes had lost before the newest run that has ended, once for each run. Returns the losses that are known with it.
 * It is no work of the policy, so an error changes nothing but that the run shows no losses.
 */
export async function watchLosses(
  pass: PolicyPass,
  stored: StoredStatus | undefined,
): Promise<KnownLosses | undefined> {
  const { state, journal, object, now } = pass;
  const before = stored?.value?.policyUid === object.uid ? stored.value.losses : undefined;
  const runs = journal.runs.of(object.name);
  const run = newestEnded(runs);
  const rules = run?.kind.losses;
  if (run === undefined || rules === undefined || run.name === before?.run || isOld(run, now)) return before;
  const judged = journal.losses.get(object.uid);
  if (judged?.run === run.name) return judged;
  const others = runs.filter((other) => other !== run);
  const ended = { run, nodes: state.nodes, pods: podsOf(state, run), others, known: before?.seen ?? [] };
  const reports = await pMap(rules.podsToAsk(ended), async (pod) => [pod.name, await readReports(pass, pod)] as const);
  const losses = { run: run.name, seen: rules.lossesAfter(ended, new Map(reports)) };
  // A status that can't be written must not cause the same requests at each pass.
  journal.losses.set(object.uid, losses);
  return losses;
}

function newestEnded(runs: readonly Run[]): Run | undefined {
  return runs.filter(isFinished).toSorted((one, other) => endOf(other) - endOf(one))[0];
}

function isOld(run: Run, now: Date): boolean {
  return now.getTime() - endOf(run) > maxAgeMs;
}

function endOf({ startedAt, finishedAt = startedAt }: Run): number {
  return finishedAt.getTime();
}

async function readReports({ cluster, log }: PolicyPass, { name }: RunPod): Promise<ImageReports> {
  try {
    return await cluster.readImageReports(name);
  } catch (error) {
    log.warn({ pod: name, err: error }, `could not read what the kubelet did for pod ${name}: ${String(error)}`);
    return new Map();
  }
}
