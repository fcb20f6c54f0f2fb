import type { Node } from '../../scheduler/objects.ts';
import type { PrepullDocument } from '../../scheduler/prepull/policy.ts';
import { buildNode, buildPolicyObject, secondsLater } from './builders.ts';
import { pullOn, type Trouble } from './node-that-pulls.ts';
import { ManualScheduler } from './reconcile.ts';

/** A scheduler with a policy of image lists, which has a run due at the start. */
export class ListScheduler extends ManualScheduler {
  constructor(lists: PrepullDocument['lists'], document: Partial<PrepullDocument> = {}) {
    super();
    this.putLists(lists, document);
  }

  putLists(lists: PrepullDocument['lists'], document: Partial<PrepullDocument> = {}, resourceVersion = '1'): void {
    const rollout = { parallelism: '100%', perRegistry: 1000 };
    const full = { schedule: '0 * * * *', rollout, lists, ...document };
    this.cluster.policies = [
      buildPolicyObject({}, { data: { 'prepull.yaml': JSON.stringify(full) }, resourceVersion }),
    ];
  }

  join(name: string, node: Partial<Node> = {}): void {
    this.cluster.nodes = [...this.cluster.nodes.filter((other) => other.name !== name), buildNode(name, node)];
  }

  /** All pods that have not ended pull what they can. */
  pull(trouble: Trouble = {}): void {
    for (const { node, phase } of [...this.cluster.pods.values()])
      if (phase === 'Pending') pullOn(this.cluster, node, trouble);
  }

  /** Makes a pass, lets the nodes pull, and makes another one. */
  async play(seconds: number, trouble: Trouble = {}): Promise<void> {
    await this.pass(secondsLater(seconds));
    this.pull(trouble);
    await this.pass(secondsLater(seconds + 3));
  }

  lastRun() {
    return this.runs()
      .toSorted((a, b) => a.startedAt.getTime() - b.startedAt.getTime())
      .at(-1);
  }
}
