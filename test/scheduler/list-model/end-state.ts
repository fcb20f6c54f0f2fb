import type { Node, RunPod } from '../../../scheduler/objects.ts';
import { imageOverviews } from '../../../scheduler/prepull/overview.ts';
import type { PrepullPolicy } from '../../../scheduler/prepull/policy.ts';
import { isFinished, type Run } from '../../../scheduler/run/run.ts';
import type { World } from '../model-world.ts';
import type { ListPolicy } from './history.ts';
import { images } from './images.ts';
import type { ListKubelets } from './kubelets.ts';
import { selectedBy, type Truth } from './truth.ts';

type Report = (violation: string) => void;

/** All that must hold after everything has worked together for long enough. */
export class EndState {
  readonly #world: World<ListKubelets>;
  readonly #truth: Truth;
  readonly #report: Report;

  constructor(world: World<ListKubelets>, truth: Truth, report: Report) {
    this.#world = world;
    this.#truth = truth;
    this.#report = report;
  }

  /** Every policy has what it wants, and nothing else is left of any. */
  check(): void {
    for (const { name, uid, current } of this.#truth.policies()) {
      const unfinished = this.#world.runs(uid).find(({ run }) => !isFinished(run));
      if (unfinished !== undefined) this.#report(`${unfinished.run.name} does not end (C21)`);
      if (current !== undefined && this.#truth.purgeOf(name) === 'No') this.#checkPolicy(name, uid, current);
    }
    this.#checkLeftovers('while policies are there');
  }

  /** Nothing is left of the policies, which are deleted. */
  checkNothingLeft(): void {
    this.#checkLeftovers('after its policy was deleted');
    // The images of a node that is not there are on account for a day, and so are the runs that removed those of the others.
    const isMissing = this.#world.nodes.changes.some(({ key }) => !this.#world.nodes.entries.has(key));
    const accounts = isMissing ? this.#accounts : [];
    const left = [...this.#world.configMaps.entries.keys(), ...this.#world.jobs.keys()].filter(
      (name) => !accounts.includes(name),
    );
    left.push(...this.#world.pods.entries.keys());
    if (left.length > 0) this.#report(`left over: ${left.join(', ')} (C31)`);
  }

  #checkPolicy(name: string, uid: string, policy: ListPolicy): void {
    const wanting = this.#nodes.filter((node) => !node.unschedulable && selectedBy(policy, node).size > 0);
    for (const node of wanting) this.#checkNode(name, uid, policy, node);
    const runs = this.#world.runs(uid).map(({ run }) => run);
    this.#checkCounts(name, policy, runs, wanting);
  }

  #checkNode(name: string, uid: string, policy: ListPolicy, node: Node): void {
    const wanted = selectedBy(policy, node);
    const { images: there } = this.#world.kubelets.runtimeOf(node.name);
    const missing = [...wanted].filter((image) => !there.has(image));
    if (missing.length > 0)
      this.#report(`policy ${name}: node ${node.name} does not have ${missing.join(', ')} (P7, P9)`);
    if (policy.fields.hold === false) return;
    const holding = this.#podsOf(uid).filter((pod) => pod.node === node.name && pod.kind === 'puller');
    const held = holding.flatMap((pod) => [...(this.#world.kubelets.runtimeOf(node.name).held.get(pod.name) ?? [])]);
    const loose = [...wanted].filter((image) => image !== images.uncreatable && !held.includes(image));
    if (loose.length > 0) this.#report(`policy ${name}: nothing holds ${loose.join(', ')} on node ${node.name} (P10)`);
  }

  /** The status counts what is really there. */
  #checkCounts(name: string, policy: ListPolicy, runs: readonly Run[], wanting: readonly Node[]): void {
    const newest = runs.toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime())[0];
    if (newest === undefined) return;
    const counted = imageOverviews(newest.spec as PrepullPolicy, runs);
    for (const { image, nodes } of counted) {
      const having = wanting.filter((node) => selectedBy(policy, node).has(image)).length;
      if (nodes.desired !== having || nodes.present !== having)
        this.#report(
          `policy ${name}: ${image} is on ${having} nodes, and the status has ${nodes.present} of ${nodes.desired} (P7)`,
        );
    }
    const present = this.#world.status(name)?.conditions?.find(({ type }) => type === 'Present');
    if (wanting.length > 0 && present?.status !== 'True')
      this.#report(`policy ${name} has all images, and its condition Present is ${present?.status} (P7)`);
  }

  #checkLeftovers(when: string): void {
    for (const node of this.#nodes.filter(({ unschedulable }) => !unschedulable)) {
      const { images: there } = this.#world.kubelets.runtimeOf(node.name);
      const left = this.#truth.removable().filter((image) => there.has(image) && !this.#truth.mayWant(node, image));
      if (left.length > 0) this.#report(`${left.join(', ')} is left on node ${node.name} ${when} (P12, P14, P15)`);
      if (!there.has(images.foreign) && !this.#isSwept) this.#report(`${images.foreign} was removed (P12)`);
    }
  }

  /** True if a policy cleans nodes of whatever nothing protects. */
  get #isSwept(): boolean {
    return this.#world.configMaps.changes.some(({ key }) => key === 'sweep');
  }

  /** The accounts of what is on nodes, with the records and jobs of the runs that they own. */
  get #accounts(): readonly string[] {
    const entries = [...this.#world.configMaps.entries.values()];
    const uids = new Set(entries.filter(({ value }) => value.kind === 'ledger').map(({ uid }) => uid));
    return entries.flatMap(({ key, uid, value }) => {
      if (value.kind === 'run' && uids.has(value.owner)) return [key, value.run.name];
      return uids.has(uid) ? [key] : [];
    });
  }

  #podsOf(uid: string): RunPod[] {
    const pods = this.#world.runs(uid).flatMap(({ uid: record }) => this.#world.podsOf(record));
    return pods.filter(({ deletionTimestamp }) => deletionTimestamp === undefined);
  }

  get #nodes(): readonly Node[] {
    return [...this.#world.nodes.entries.values()].map(({ value }) => value);
  }
}
