import type { CleanupDocument } from '../../scheduler/cleanup/policy.ts';
import { Journals } from '../../scheduler/journal/journals.ts';
import { runKinds } from '../../scheduler/kinds.ts';
import { earliest } from '../../scheduler/policy/instants.ts';
import { BackgroundTasks } from '../../scheduler/reconcile/background-tasks.ts';
import type { ReconcileContext, RunObserver } from '../../scheduler/reconcile/context.ts';
import { keysToReconcile, reconcile } from '../../scheduler/reconcile/reconcile.ts';
import type { Run } from '../../scheduler/run/run.ts';
import { buildNode, buildPolicyObject, secondsLater, start } from './builders.ts';
import { FakeCluster, Killed } from './fake-cluster.ts';

/** A scheduler that makes a pass when a test asks for one, on a cluster with the policy nightly and three nodes. */
export class ManualScheduler {
  readonly cluster: FakeCluster;
  /** The messages of all warnings and errors. */
  readonly logged: string[] = [];
  observer: RunObserver | undefined;
  /** Asks registries; undefined for a scheduler that may not. */
  pullChecks: ReconcileContext['pullChecks'];
  copies: ReconcileContext['copies'];
  #journals = new Journals();
  /** All that is to be looked at again, as the dispatcher keeps it. */
  readonly #keys = new Set<string>();
  /** The error that has killed the process in work that is done beside the pass. */
  #killed: Killed | undefined;
  readonly #log = {
    info: () => {},
    warn: (fields: object, message: string) => {
      if ('err' in fields && fields.err instanceof Killed) this.#killed = fields.err;
      this.logged.push(message);
    },
    error: (fields: object, message: string) => {
      if ('err' in fields && fields.err instanceof Killed) throw fields.err;
      this.logged.push(message);
    },
  };

  /** A second scheduler on the same cluster is another replica. */
  constructor(cluster = buildCluster()) {
    this.cluster = cluster;
  }

  /** Makes one pass over all policies, and returns the time of the next one. */
  async pass(now: Date): Promise<Date | undefined> {
    this.cluster.now = now;
    const context = this.buildContext();
    const wakes: (Date | undefined)[] = [];
    for (const key of keysToReconcile(this.cluster.state())) this.#keys.add(key);
    for (const key of [...this.#keys]) {
      const next = await reconcile(context, key, now);
      if (next === 'Gone') this.#keys.delete(key);
      else wakes.push(next);
    }
    await context.background.finish();
    if (this.#killed !== undefined) throw this.#killed;
    return earliest(wakes);
  }

  /** Starts the run that is due at the start, and ends it with its pods 10 s later. */
  async completeRun(): Promise<void> {
    await this.pass(start);
    this.cluster.finishPods();
    await this.pass(secondsLater(10));
  }

  buildContext(): ReconcileContext {
    return {
      cluster: this.cluster,
      log: this.#log,
      journals: this.#journals,
      background: new BackgroundTasks(this.#log),
      kinds: runKinds,
      startTimeoutMs: 60_000,
      observer: this.observer,
      pullChecks: this.pullChecks,
      copies: this.copies,
    };
  }

  /** Another process takes over: it knows only what the cluster holds. */
  restart(): void {
    this.#killed = undefined;
    this.#journals = new Journals();
    this.#keys.clear();
  }

  /** Gives the policy another document. */
  edit(document: Partial<CleanupDocument>, version = '2'): void {
    this.cluster.policies = [buildPolicyObject(document, { resourceVersion: version })];
  }

  /** The runs on record. */
  runs(): readonly Run[] {
    return this.cluster.state().runs.map(({ value }) => value);
  }

  /** The cleaner pods, each as its node and its attempt. */
  pods(): readonly string[] {
    return [...this.cluster.pods.values()].map((pod) => `${pod.node}#${pod.attempt}`).sort();
  }
}

function buildCluster(): FakeCluster {
  const cluster = new FakeCluster();
  cluster.nodes = [buildNode('a'), buildNode('b'), buildNode('c')];
  cluster.policies = [buildPolicyObject()];
  return cluster;
}
