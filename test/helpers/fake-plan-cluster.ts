import type { PlanOrder, PlanPort } from '../../cli/cluster/plans/plan-port.ts';
import type { BoundPods, ClusterState } from '../../scheduler/cluster.ts';
import type { Node, PolicyObject, RunPod } from '../../scheduler/objects.ts';

/** A cluster in memory, whose plan pods go through the states they are given. */
export class FakePlanCluster implements PlanPort {
  policies: PolicyObject[] = [];
  statuses: ClusterState['statuses'] = new Map();
  ledgers: ClusterState['ledgers'] = new Map();
  nodes: Node[] = [];
  boundReferences: string[] = [];
  workloadReferences: string[] = [];
  /** The times of the image sets, by name. */
  setTimes = new Map<string, string>();
  /** All that each look at a plan pod shows, the last one for ever; undefined is a pod that is gone. */
  states: (Partial<RunPod> | undefined)[] = [{ phase: 'Succeeded' }];
  podLog = '';
  trouble: string | undefined;
  leftovers: string[] = [];
  /** Every pod that was ordered. */
  readonly orders: PlanOrder[] = [];
  /** All that was created and is not deleted. */
  readonly left = new Set<string>();
  /** Throws for a call by its name; set by tests to provoke errors. */
  fail: (call: string) => void = () => {};

  async listPolicies(): Promise<PolicyObject[]> {
    return this.policies;
  }

  async listStatuses(): Promise<ClusterState['statuses']> {
    return this.statuses;
  }

  async listLedgers(): Promise<ClusterState['ledgers']> {
    return this.ledgers;
  }

  async readSetTimes(names: readonly string[]): Promise<Readonly<Record<string, string>>> {
    return Object.fromEntries([...this.setTimes].filter(([name]) => names.includes(name)));
  }

  async readNode(name: string): Promise<Node | undefined> {
    return this.nodes.find((node) => node.name === name);
  }

  async readBoundPods(): Promise<BoundPods> {
    return { references: this.boundReferences, count: this.boundReferences.length };
  }

  async listWorkloadReferences(): Promise<string[]> {
    return this.workloadReferences;
  }

  async createPlan(order: PlanOrder): Promise<void> {
    this.orders.push(order);
    this.left.add(order.name);
    this.fail('createPlan');
  }

  async readPod(name: string): Promise<RunPod | undefined> {
    this.fail('readPod');
    const state = this.states.length > 1 ? this.states.shift() : this.states[0];
    const order = this.orders.find((candidate) => candidate.name === name);
    if (state === undefined || order === undefined) return undefined;
    const node = order.node.name;
    return {
      name,
      run: name,
      node,
      attempt: 0,
      kind: 'cleaner',
      createdAt: new Date(0),
      phase: 'Pending',
      ...state,
    };
  }

  async readLog(): Promise<string> {
    return this.podLog;
  }

  async readPodWarning(): Promise<string | undefined> {
    return this.trouble;
  }

  async deletePlan(name: string): Promise<void> {
    this.left.delete(name);
  }

  async listLeftovers(): Promise<string[]> {
    return this.leftovers;
  }
}
