import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { cleanupTotals } from '../cleanup/kind.ts';
import type { ClusterState } from '../cluster.ts';
import type { ObservedCall } from '../kubernetes/api.ts';
import { outcomeOf } from '../run/outcome.ts';
import { isFinished, type Run } from '../run/run.ts';
import { summarize } from '../run/summary.ts';
import { createInstruments, type Instruments } from './instruments.ts';

/** The values of the gauges, read whenever somebody asks for the metrics. */
export interface Observed {
  readonly state: () => Pick<ClusterState, 'policies' | 'statuses' | 'runs'>;
  readonly isLeader: () => boolean;
  /** True if what is known of the cluster is complete and up to date. */
  readonly isCurrent: () => boolean;
}

/** Often enough to notice an event loop that is held up; more often is felt in an idle scheduler. */
const eventLoopMonitoringPrecision = 100;

/** The metrics of a scheduler. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #instruments: Instruments = createInstruments(this.#registry);

  constructor(version: string) {
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision });
    this.#addGauge('nodesweep_build_info', 'Always 1.', 'version', (set) => set(1, version));
  }

  /** Adds what is told of the scheduler as it is when somebody asks. */
  observe({ state, isLeader, isCurrent }: Observed): void {
    this.#addGauge('nodesweep_leader', '1 where this process does the work.', undefined, (set) =>
      set(Number(isLeader())),
    );
    this.#addGauge(
      'nodesweep_watches_current',
      '1 while what is known of the cluster is up to date.',
      undefined,
      (set) => set(Number(isCurrent())),
    );
    this.#addGauge('nodesweep_runs_active', 'Runs that have not ended.', undefined, (set) =>
      set(state().runs.filter(({ value }) => !isFinished(value)).length),
    );
    this.#addGauge('nodesweep_policy_valid', '0 for a policy that has mistakes and does nothing.', 'policy', (set) => {
      const { policies, statuses } = state();
      for (const { name } of policies) set(Number(statuses.get(name)?.value?.valid ?? true), name);
    });
  }

  /** The answer to somebody who scrapes the metrics. */
  async read(): Promise<{ readonly contentType: string; readonly text: string }> {
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
    // A disk that filled up meanwhile has freed less than nothing.
    freedBytes.inc({ policy }, Math.max(0, totals.bytes.freed));
  };

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

function secondsBetween(from: Date, to: Date): number {
  return Math.max(0, to.getTime() - from.getTime()) / 1000;
}
