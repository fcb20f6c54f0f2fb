import { expect } from 'vitest';
import { Journals } from '../../scheduler/journal/journals.ts';
import { runKinds } from '../../scheduler/kinds.ts';
import type { Node, RunPod } from '../../scheduler/objects.ts';
import { BackgroundTasks } from '../../scheduler/reconcile/background-tasks.ts';
import { reconcile } from '../../scheduler/reconcile/reconcile.ts';
import type { Run } from '../../scheduler/run/run.ts';
import { buildNode, buildPolicyObject } from './builders.ts';
import { FakeCluster } from './fake-cluster.ts';
import { inspection } from './inspection.ts';

export const inspectionKinds = [...runKinds, inspection];
const log = { info: () => {}, warn: () => {}, error: (_: object, message: string) => expect.unreachable(message) };

/** A scheduler with a policy of the made-up kind, on a cluster of nodes that can be inspected. */
export class InspectionScheduler {
  readonly cluster = new FakeCluster();
  #journals = new Journals();

  constructor(document: object, nodes: readonly string[]) {
    this.cluster.kinds = inspectionKinds;
    this.cluster.nodes = nodes.map((name) => inspectable(name));
    this.edit(document, '1');
  }

  /** Makes one pass, and returns the time of the next one. */
  async pass(now: Date): Promise<Date | undefined> {
    this.cluster.now = now;
    const background = new BackgroundTasks(log);
    const context = {
      cluster: this.cluster,
      log,
      journals: this.#journals,
      background,
      kinds: inspectionKinds,
      startTimeoutMs: 60_000,
    };
    const next = await reconcile(context, 'nightly', now);
    await background.finish();
    return next === 'Gone' ? undefined : next;
  }

  /** Another process takes over: it knows only what the cluster holds. */
  restart(): void {
    this.#journals = new Journals();
  }

  edit(document: object, resourceVersion = '2'): void {
    const data = { 'inspect.yaml': JSON.stringify({ schedule: '0 * * * *', ...document }) };
    this.cluster.policies = [buildPolicyObject({}, { data, resourceVersion })];
  }

  join(name: string, node: Partial<Node> = {}): void {
    this.cluster.nodes = [...this.cluster.nodes.filter((other) => other.name !== name), inspectable(name, node)];
  }

  /** Changes the newest pod of a node. */
  change(node: string, pod: Partial<RunPod>): void {
    const newest = [...this.cluster.pods.values()].findLast((candidate) => candidate.node === node);
    if (newest === undefined) throw new Error(`node ${node} has no pod`);
    this.cluster.pods.set(newest.name, { ...newest, ...pod });
  }

  /** Ends the newest pod of a node. */
  end(node: string, exitCode: number, missing: readonly string[] = []): void {
    const phase = exitCode === 0 ? 'Succeeded' : 'Failed';
    this.change(node, { phase, exitCode, containerReason: undefined, containerMessage: JSON.stringify(missing) });
  }

  /** The pods, each as its node and its number on the node. */
  pods(): readonly string[] {
    return [...this.cluster.pods.values()].map(({ node, attempt }) => `${node}#${attempt}`).sort();
  }

  /** The runs on record, the oldest first. */
  runs(): readonly Run[] {
    const runs = this.cluster.state().runs.map(({ value }) => value);
    return runs.toSorted((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
  }

  /** The numbers of writes so far that begin with a word. */
  count(write: string): number {
    return this.cluster.writes.filter((line) => line.startsWith(write)).length;
  }
}

/** A node of the kind that can be inspected; it has no runtime that is known. */
export function inspectable(name: string, node: Partial<Node> = {}): Node {
  const labels = { disk: 'local', ...node.labels };
  return buildNode(name, { runtime: undefined, ...node, labels });
}
