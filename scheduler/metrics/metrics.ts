import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { cleanupTotals } from '../cleanup/kind.ts';
import type { ClusterState } from '../cluster.ts';
import type { ObservedCall } from '../kubernetes/api/api.ts';
import { prepull } from '../prepull/kind.ts';
import { countImages } from '../prepull/overview.ts';
import { newNodeSecondsOf, pullSecondsOf } from '../prepull/pull-times.ts';
import { outcomeOf } from '../run/outcome.ts';
import type { NodeEnd } from '../run/results/node-end.ts';
import { isFinished, type Run } from '../run/run.ts';
import type { Opening } from '../run/startup.ts';
import { summarize } from '../run/summary.ts';
import { createInstruments, type Instruments } from './instruments.ts';

/** The sources of the gauges, which are read at each scrape. */
export interface Observed {
  readonly state: () => Pick<ClusterState, 'policies' | 'statuses' | 'runs'>;
  readonly isLeader: () => boolean;
  /** True if the view of the cluster is complete and up to date. */
  readonly isCurrent: () => boolean;
}

/** Interval to measure the event loop. A shorter one costs CPU in an idle scheduler. */
const eventLoopMonitoringPrecision = 100;

/** The metrics of a scheduler. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #instruments: Instruments = createInstruments(this.#registry);
  #observed: Observed | undefined;

  constructor(version: string) {
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision });
    this.#addGauge('nodesweep_build_info', 'Always 1.', 'version', (set) => set(1, version));
  }

  /** Adds the gauges of the scheduler's state. */
  observe(observed: Observed): void {
    const { state, isLeader, isCurrent } = observed;
    this.#observed = observed;
    this.#addGauge('nodesweep_leader', '1 if this process is the leader.', undefined, (set) => set(Number(isLeader())));
    this.#addGauge('nodesweep_watches_current', '1 while the view of the cluster is up to date.', undefined, (set) =>
      set(Number(isCurrent())),
    );
    this.#addGauge('nodesweep_runs_active', 'Runs that have not ended.', undefined, (set) =>
      set(state().runs.filter(({ value }) => !isFinished(value)).length),
    );
    this.#addGauge('nodesweep_policy_valid', '1 for a valid policy, 0 for a policy with problems.', 'policy', (set) => {
      const { policies, statuses } = state();
      for (const { name } of policies) set(Number(statuses.get(name)?.value?.valid ?? true), name);
    });
    new Gauge({
      name: 'nodesweep_prepull_images',
      help: 'Images of lists, each counted on each node, by state (Present, Pulling, Stale, Failed, Unknown, and Removed or InUse for those to remove).',
      labelNames: ['policy', 'state'],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [policy, runs] of pullRunsOf(state()))
          for (const [name, count] of Object.entries(countImages(runs))) this.set({ policy, state: name }, count);
      },
    });
  }

  /** The metrics for a scrape. */
  async read(): Promise<{ readonly contentType: string; readonly text: string }> {
    if (this.#observed !== undefined) await this.#forgetOthers(this.#observed.state().policies);
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  readonly observeRequest = ({ verb, resource, code, seconds }: ObservedCall): void => {
    this.#instruments.requests.inc({ verb, resource, code });
    this.#instruments.requestSeconds.observe({ verb }, seconds);
  };

  readonly observePass = (seconds: number): void => {
    this.#instruments.passSeconds.observe(seconds);
  };

  readonly observeStart = ({ trigger }: Run, at: Date): void => {
    if (trigger.type === 'Schedule') this.#instruments.startLagSeconds.observe(secondsBetween(trigger.slot, at));
  };

  readonly observeEnd = (run: Run): void => {
    const { policy, startedAt, finishedAt = startedAt } = run;
    const outcome = outcomeOf(run) ?? run.phase;
    const { runs, runSeconds, nodes, images, freedBytes } = this.#instruments;
    const summary = summarize(run);
    runs.inc({ policy, outcome });
    runSeconds.observe({ outcome }, secondsBetween(startedAt, finishedAt));
    for (const result of ['succeeded', 'failed', 'skipped'] as const)
      nodes.inc({ policy, result }, summary.nodes[result]);
    const totals = cleanupTotals(run);
    if (totals === undefined) return;
    for (const [name, count] of Object.entries(totals.images)) images.inc({ policy, outcome: name }, count);
    // The value is negative if the disk filled up meanwhile.
    freedBytes.inc({ policy }, Math.max(0, totals.bytes.freed));
  };

  readonly observeNode = (end: NodeEnd): void => {
    const { policy, kind } = end.run;
    if (kind.name !== prepull.name) return;
    const { pullSeconds, newNodeSeconds } = this.#instruments;
    for (const seconds of pullSecondsOf(end)) pullSeconds.observe({ policy }, seconds);
    const seconds = newNodeSecondsOf(end);
    if (seconds !== undefined) newNodeSeconds.observe({ policy }, seconds);
  };

  readonly observeOpening = (cause: Opening['cause']): void => {
    this.#instruments.startupTaints.inc({ cause });
  };

  /** Forgets the series of policies that are deleted: clusters live long, and policies may be made by the thousand. */
  async #forgetOthers(policies: ClusterState['policies']): Promise<void> {
    const names = new Set<unknown>(policies.map(({ name }) => name));
    const { runs, nodes, images, freedBytes, pullSeconds, newNodeSeconds } = this.#instruments;
    for (const counter of [runs, nodes, images, freedBytes]) {
      const { values } = await counter.get();
      for (const { labels } of values) if (!names.has(labels.policy)) counter.remove(labels);
    }
    for (const histogram of [pullSeconds, newNodeSeconds]) {
      const { values } = await histogram.get();
      const policies = new Set(values.map(({ labels }) => labels.policy));
      for (const policy of policies) if (policy !== undefined && !names.has(policy)) histogram.remove({ policy });
    }
  }

  #addGauge(
    name: string,
    help: string,
    label: string | undefined,
    collect: (set: (value: number, label?: string) => void) => void,
  ): void {
    new Gauge({
      name,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [this.#registry],
      collect() {
        this.reset();
        collect((value, text) => (label === undefined ? this.set(value) : this.set({ [label]: text ?? '' }, value)));
      },
    });
  }
}

/** The runs that pull images, by policy. */
function pullRunsOf({ runs }: Pick<ClusterState, 'runs'>): ReadonlyMap<string, Run[]> {
  const pulling = runs.map(({ value }) => value).filter(({ kind }) => kind.name === prepull.name);
  return Map.groupBy(pulling, ({ policy }) => policy);
}

function secondsBetween(from: Date, to: Date): number {
  return Math.max(0, to.getTime() - from.getTime()) / 1000;
}
