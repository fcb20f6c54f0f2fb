import type { PullVerdicts } from '../../contract/pull-verdicts.ts';
import type { Node, RunPod } from '../objects.ts';
import type { Run } from '../run/run.ts';
import { attempt, wakeTimeOf } from './attempt.ts';
import type { PolicyPass } from './context.ts';
import { nodesAwaitingOthers, withCopies } from './keep-copies.ts';
import { podsOf } from './nodes/nodes-to-serve.ts';

/** The cause if this scheduler may ask no registry, with the next step. */
function describeNoQuestions(field: string): string {
  return `this scheduler asks no registry: apply manifests/overlays/registry-check, which sets NODESWEEP_REGISTRY_CHECK, or take ${field} out of the policy`;
}

/** The policy needs answers of registries, and this scheduler may not ask them. */
class RegistryCheckError extends Error {
  override readonly name = 'RegistryCheckError';
}

const step = { what: 'ask registries', condition: 'Ready' } as const;

/** Checks that registries can be asked if the policy needs that. An error shows in its status. Returns when to check again. */
export async function checkQuestions(pass: PolicyPass): Promise<Date | undefined> {
  const { parsed, journal, object, pullChecks } = pass;
  const field = parsed.valid ? parsed.kind.questions?.fieldOf(parsed.policy) : undefined;
  if (field !== undefined && pullChecks === undefined)
    return wakeTimeOf(
      await attempt(pass, step, async () => {
        const why = describeNoQuestions(field);
        throw new RegistryCheckError(`${field}: ${why}; every image that may not be pullable is kept`);
      }),
    );
  journal.troubles.clear(object.uid, step);
  return undefined;
}

/**
 * Begins to ask registries about the images that ended pods of the run have listed. Returns a function that tells if the next
 * pod of a node waits for the answers; undefined if no pod waits.
 */
export function askRegistries(pass: PolicyPass, run: Run): ((node: string) => boolean) | undefined {
  const { pullChecks } = pass;
  if (pullChecks === undefined || fieldOf(run) === undefined) return undefined;
  const lists = listsByNode(pass, run);
  const asking = new Set<string>();
  for (const [node, pod] of lists) {
    if (run.nodes.get(node)?.state === 'Settled' || pullChecks.verdictsOf(pod) !== undefined) continue;
    pullChecks.begin(pod, run.spec.activeDeadlineSeconds);
    asking.add(node);
  }
  const awaiting = nodesAwaitingOthers(pass, run, { lists, asking });
  return (node) => asking.has(node) || awaiting.has(node);
}

/**
 * The answers for the next pod of a node. Undefined if they are not needed, or not known: then the pod lists the images first.
 * If no registry can be asked, there are none, so that the pod keeps all images that need them.
 */
export function pullVerdictsOn(pass: PolicyPass, run: Run, node: Node): PullVerdicts | undefined {
  const field = fieldOf(run);
  if (field === undefined) return undefined;
  const { pullChecks } = pass;
  if (pullChecks === undefined) return { pullable: [], absent: [], unanswered: {}, note: describeNoQuestions(field) };
  const pod = listsByNode(pass, run).get(node.name);
  if (pod === undefined) return undefined;
  const verdicts = pullChecks.verdictsOf(pod);
  return verdicts && withCopies(pass, run, { node, verdicts, candidates: pullChecks.candidatesOf(pod) });
}

function fieldOf({ kind, spec }: Run): string | undefined {
  return kind.questions?.fieldOf(spec);
}

const listsOf = new WeakMap<PolicyPass, Map<string, ReadonlyMap<string, RunPod>>>();

/** The newest pod on each node that has listed its images. It is found once in a pass, because it reads all reports. */
function listsByNode(pass: PolicyPass, run: Run): ReadonlyMap<string, RunPod> {
  const known = listsOf.get(pass) ?? new Map<string, ReadonlyMap<string, RunPod>>();
  listsOf.set(pass, known);
  const found = known.get(run.name) ?? findLists(pass, run);
  known.set(run.name, found);
  return found;
}

function findLists(pass: PolicyPass, run: Run): ReadonlyMap<string, RunPod> {
  const lists = podsOf(pass.state, run)
    .filter((pod) => run.nodes.get(pod.node)?.state !== 'Settled')
    .filter((pod) => run.kind.questions?.hasListed(pod, run.spec) === true)
    .sort((one, other) => one.attempt - other.attempt);
  return new Map(lists.map((pod) => [pod.node, pod]));
}
