import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { cleanupTotals } from '../cleanup/kind.ts';
import type { ClusterState } from '../cluster.ts';
import type { ObservedCall } from '../kubernetes/api/api.ts';
import { prepull } from '../prepull/kind.ts';
import { newNodeSecondsOf, pullSecondsOf } from '../prepull/pull-times.ts';
import { outcomeOf } from '../run/outcome.ts';
import type { NodeEnd } from '../run/results/node-end.ts';
import type { Run } from '../run/run.ts';
import type { Opening } from '../run/startup.ts';
import { summarize } from '../run/summary.ts';
import { type GaugeDefinition, type GaugeView, gauges, type ObservedState, viewOf } from './gauges.ts';
import { createInstruments, type Instruments } from './instruments.ts';

/** The sources of the gauges, which are read at each scrape. */
export interface Observed {
  readonly state: () => ObservedState;
  readonly isLeader: () => boolean;
  /** True if the view of the cluster is complete and up to date. */
  readonly isCurrent: () => boolean;
  /** The number of news that wait for a notification. Default: 0. */
  readonly pendingNotifications?: () => number;
  /** The clock of the scheduler's decisions. Default: that of this machine. */
  readonly readClock?: () => Date;
}

/** Interval to measure the event loop. A shorter one costs CPU in an idle scheduler. */
const eventLoopMonitoringPrecision = 100;

/** The metrics of a scheduler. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #instruments: Instruments = createInstruments(this.#registry);
  #observed: Observed | undefined;
  /** The state of the cluster at the current scrape. */
  #view: GaugeView | undefined;

  constructor(version: string) {
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision });
    const labelNames = ['version'];
    new Gauge({ name: 'nodesweep_build_info', help: 'Always 1.', labelNames, registers: [this.#registry] }).set(
      { version },
      1,
    );
  }

  /** Adds the gauges of the scheduler's state. */
  observe(observed: Observed): void {
    const { isLeader, isCurrent } = observed;
    this.#observed = observed;
    this.#addGauge('nodesweep_leader', '1 if this process is the leader.', (set) => set(Number(isLeader())));
    this.#addGauge('nodesweep_watches_current', '1 while the view of the cluster is up to date.', (set) =>
      set(Number(isCurrent())),
    );
    this.#addGauge('nodesweep_notifications_pending', 'News that wait for a notification.', (set) =>
      set(observed.pendingNotifications?.() ?? 0),
    );
    for (const definition of gauges) this.#addStateGauge(definition);
  }

  /** The metrics for a scrape. */
  async read(): Promise<{ readonly contentType: string; readonly text: string }> {
    if (this.#observed !== undefined) await this.#look(this.#observed);
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

  readonly countNotifications = (result: 'delivered' | 'failed' | 'dropped', count: number): void => {
    this.#instruments.notifications.inc({ result }, count);
  };

  readonly observeOpening = (cause: Opening['cause']): void => {
    this.#instruments.startupTaints.inc({ cause });
  };

  /** All gauges of a scrape show the same state. */
  async #look({ state, readClock = () => new Date() }: Observed): Promise<void> {
    this.#view = viewOf(state(), readClock());
    await this.#forgetOthers(this.#view.state.policies);
    for (const { name } of this.#view.state.policies) this.#beginCounting(name);
  }

  /** A counter begins with 0: otherwise Prometheus would not see its first increase. */
  #beginCounting(policy: string): void {
    const { runs } = this.#instruments;
    for (const outcome of ['Succeeded', 'PartiallyFailed', 'Failed']) runs.inc({ policy, outcome }, 0);
  }

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

  #addGauge(name: string, help: string, collect: (set: (value: number) => void) => void): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        collect((value) => this.set(value));
      },
    });
  }

  #addStateGauge({ name, help, labelNames, read }: GaugeDefinition): void {
    const readView = () => (this.#view === undefined ? [] : read(this.#view));
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [values, value] of readView())
          this.set(Object.fromEntries(labelNames.map((label, index) => [label, values[index] ?? ''])), value);
      },
    });
  }
}

function secondsBetween(from: Date, to: Date): number {
  return Math.max(0, to.getTime() - from.getTime()) / 1000;
}
