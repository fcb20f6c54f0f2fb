import { hostname } from 'node:os';
import { pino } from 'pino';
import type { PlanDocument } from '../cleaner/plan-document.ts';
import type { Cluster } from './cluster.ts';
import { serveHealth } from './health.ts';
import { RunJournal } from './journal.ts';
import type { LocalOptions } from './local.ts';
import type { Log } from './log.ts';
import { Loop } from './loop.ts';
import { type PlanRequest, planRemotely } from './plan-remote.ts';
import { reconcile } from './reconcile.ts';
import { readSettings } from './settings.ts';

/** A pass is made at least every minute; one that has not ended for so long never will. */
const maxSilenceMs = 600_000;

/** Flags by the names of the settings; one that is not given is absent. */
export type Flags = Readonly<Record<string, string | undefined>>;

/** `nodesweep scheduler`: runs until SIGTERM or SIGINT. Rejects with a SettingsError or ClusterError when it can't begin. */
export async function runScheduler(flags: Flags, environment: NodeJS.ProcessEnv): Promise<void> {
  const settings = readSettings(flags, environment);
  const log = newLogger(settings.logLevel);
  const { connectCluster } = await import('./kubernetes-connect.ts');
  const cluster = await connectCluster(settings, 'KUBERNETES_SERVICE_HOST' in environment, hostname(), log);
  let loop: Loop | undefined;
  const isAlive = () => loop === undefined || loop.silentMs < maxSilenceMs;
  const health = await serveHealth(settings.port, { isAlive, isReady: () => loop !== undefined });
  try {
    await runUntilSignal(cluster, settings.startTimeoutSeconds * 1000, log, (running) => {
      loop = running;
      log.info({ port: settings.port }, 'the scheduler is ready');
    });
  } finally {
    health.close();
  }
}

/** `nodesweep local`: the same scheduler with runtimes as nodes, until SIGTERM or SIGINT. */
export async function runLocal(options: LocalOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const log = newLogger(options.logLevel);
  const { openLocalCluster } = await import('./local.ts');
  const cluster = openLocalCluster(options, { script: process.argv[1] ?? '', environment }, log);
  // npm passes a Ctrl-C on that has arrived already: a second one must not cut off the wait for the cleaners.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {});
  await runUntilSignal(cluster, 60_000, log, () => log.info({ policies: options.policies }, 'the scheduler is ready'));
}

/**
 * `nodesweep plan POLICY --node NODE`; SIGTERM or SIGINT ends it, and leaves nothing behind. Rejects with a PlanError,
 * ClusterError or SettingsError where there is no plan.
 */
export async function runPlan(
  { namespace, ...request }: PlanRequest & { readonly namespace?: string | undefined },
  environment: NodeJS.ProcessEnv,
): Promise<PlanDocument> {
  const controller = new AbortController();
  nextSignal().then(() => controller.abort());
  const { loadConfig } = await import('./kubernetes-connect.ts');
  const { openPlanCluster } = await import('./kubernetes-plan.ts');
  const config = loadConfig('KUBERNETES_SERVICE_HOST' in environment);
  const cluster = await openPlanCluster(config, namespace ?? (environment.NODESWEEP_NAMESPACE || 'nodesweep'));
  return planRemotely(request, cluster, new Date(), controller.signal);
}

/** Reconciles a cluster until SIGTERM or SIGINT; the pass in progress is finished. */
async function runUntilSignal(
  cluster: Cluster,
  startTimeoutMs: number,
  log: Log,
  onReady: (loop: Loop) => void,
): Promise<void> {
  const stopped = nextSignal();
  const context = { cluster, log, journal: new RunJournal(), startTimeoutMs };
  const loop = new Loop((now) => reconcile(context, now));
  const begun = cluster
    .start(() => loop.trigger())
    .then(() => {
      onReady(loop);
      loop.trigger();
    });
  const signal = await Promise.race([stopped, begun.then(() => stopped)]);
  log.info({ signal }, 'stopping');
  await loop.stop();
  await cluster.stop();
}

function newLogger(level: string): Log {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}

function nextSignal(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
  return promise;
}
