import { encodeOutcomes, type ReferenceOutcome } from '../../contract/reference-outcomes.ts';
import type { Node, RunPod } from '../../scheduler/objects.ts';
import type { PrepullDocument } from '../../scheduler/prepull/policy.ts';
import { decodeLedger } from '../../scheduler/prepull/removal/ledger.ts';
import { isFinished } from '../../scheduler/run/run.ts';
import { buildNode, buildPolicyObject, buildReportedPod, secondsLater } from './builders.ts';
import { type Digests, fixedDigest, pullFor, type Trouble } from './node-that-pulls.ts';
import { ManualScheduler } from './reconcile.ts';

/** Decides what happens to an image that a cleaner is told to remove. */
export type Removal = (reference: string, node: string) => ReferenceOutcome['kind'] | `Kept:${string}`;

/** A scheduler with a policy of image lists, nightly, which has a run due at the start. */
export class ListScheduler extends ManualScheduler {
  /** The digests that the registry has for the images now. */
  digestOf: Digests = fixedDigest;

  constructor(lists: PrepullDocument['lists'], document: Partial<PrepullDocument> = {}) {
    super();
    this.putLists(lists, document);
  }

  putLists(
    lists: PrepullDocument['lists'],
    document: Partial<PrepullDocument> = {},
    resourceVersion = '1',
    annotations: Readonly<Record<string, string>> = {},
  ): void {
    this.putPolicy('nightly', lists, document, resourceVersion);
    this.annotate('nightly', annotations, resourceVersion);
  }

  /** Replaces the annotations of a policy. */
  annotate(name: string, annotations: Readonly<Record<string, string>>, resourceVersion = '2'): void {
    this.cluster.policies = this.cluster.policies.map((policy) =>
      policy.name === name ? { ...policy, annotations, resourceVersion } : policy,
    );
  }

  /** Creates or edits a policy of image lists. The others stay. */
  putPolicy(
    name: string,
    lists: PrepullDocument['lists'],
    document: Partial<PrepullDocument> = {},
    resourceVersion = '1',
  ): void {
    const full = { schedule: '0 * * * *', rollout: { parallelism: '100%', perRegistry: 1000 }, lists, ...document };
    const object = buildPolicyObject(
      {},
      { name, uid: `uid-of-${name}`, data: { 'prepull.yaml': JSON.stringify(full) }, resourceVersion },
    );
    this.cluster.policies = [...this.cluster.policies.filter((policy) => policy.name !== name), object];
  }

  /** Deletes a policy, and what it owns, as a cluster does. */
  deletePolicy(name: string): void {
    this.cluster.policies = this.cluster.policies.filter((policy) => policy.name !== name);
    this.cluster.collectGarbage(name);
  }

  join(name: string, node: Partial<Node> = {}): void {
    this.cluster.nodes = [...this.cluster.nodes.filter((other) => other.name !== name), buildNode(name, node)];
  }

  /** All pods that have not ended pull what they can. */
  pull(trouble: Trouble = {}): void {
    for (const pod of [...this.cluster.pods.values()])
      if (pod.phase === 'Pending' && pod.kind === 'puller') pullFor(this.cluster, pod, trouble, this.digestOf);
  }

  /** All cleaners that have not ended remove what they are told. */
  clean(removal: Removal = () => 'Removed'): void {
    for (const pod of this.cleaners())
      if (pod.phase === 'Running') this.cluster.pods.set(pod.name, reported(pod, removal));
  }

  /** Makes a pass, lets the nodes pull, and makes another one. */
  async play(seconds: number, trouble: Trouble = {}): Promise<void> {
    await this.pass(secondsLater(seconds));
    this.pull(trouble);
    await this.pass(secondsLater(seconds + 3));
  }

  /** Makes passes until no run is active any more: the nodes pull and remove all that they are asked. */
  async finish(seconds: number, removal?: Removal): Promise<void> {
    for (let later = 0; later < 600; later += 10) {
      await this.pass(secondsLater(seconds + later));
      if (this.runs().every(isFinished)) break;
      this.pull();
      this.clean(removal);
    }
    await this.pass(secondsLater(seconds + 600));
  }

  cleaners(): readonly RunPod[] {
    return [...this.cluster.pods.values()].filter(({ kind }) => kind === 'cleaner');
  }

  /** The references that each cleaner was told to remove, in order of creation, with its node. */
  removals(): readonly string[] {
    return this.cluster.removers.map(({ node, due }) => `${node}: ${due.join(' ')}`);
  }

  /** The digests that tags have had, as they are on account for each node. */
  versions(policy = 'nightly'): Readonly<Record<string, readonly string[]>> {
    const ledger = this.cluster.ledgers.get(policy);
    const nodes = ledger === undefined ? [] : [...decodeLedger(ledger.data).applied];
    return Object.fromEntries(
      nodes.flatMap(([node, { versions }]) => (versions === undefined ? [] : [[node, versions]])),
    );
  }

  /** The references that are on account for each node. */
  applied(policy = 'nightly'): Readonly<Record<string, readonly string[]>> {
    const ledger = this.cluster.ledgers.get(policy);
    const nodes = ledger === undefined ? [] : [...decodeLedger(ledger.data).applied];
    return Object.fromEntries(nodes.map(([node, { references }]) => [node, references]));
  }

  lastRun(policy = 'nightly') {
    return this.runs()
      .filter((run) => run.policy === policy)
      .toSorted((a, b) => a.startedAt.getTime() - b.startedAt.getTime())
      .at(-1);
  }
}

function reported(pod: RunPod, removal: Removal): RunPod {
  const outcomes = (pod.due ?? []).map((reference): ReferenceOutcome => {
    const [kind, reason = ''] = removal(reference, pod.node).split(':');
    return kind === 'Kept' ? { kind, reason } : ({ kind } as ReferenceOutcome);
  });
  const hasFailed = outcomes.some(({ kind }) => kind === 'Failed');
  const references = encodeOutcomes(outcomes, 1_500);
  const outcome = hasFailed ? 'PartiallyFailed' : 'Succeeded';
  return buildReportedPod(pod.node, { outcome, references }, { ...pod, phase: hasFailed ? 'Failed' : 'Succeeded' });
}
