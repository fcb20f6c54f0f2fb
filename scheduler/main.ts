import { hostname } from 'node:os';
import { isSea } from 'node:sea';
import pTimeout from 'p-timeout';
import { pino } from 'pino';
import manifest from '../package.json' with { type: 'json' };
import type { Cluster } from './cluster.ts';
import { Dispatcher, type Next } from './dispatcher.ts';
import { Election } from './election.ts';
import { serveHealth } from './health.ts';
import { Journals } from './journal/journals.ts';
import { localKinds, runKinds } from './kinds.ts';
import type { LocalOptions } from './local/cluster.ts';
import type { Launch } from './local/pods.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics/metrics.ts';
import { openNotifications } from './optional/notifications.ts';
import { openRegistryQuestions } from './optional/registry-questions.ts';
import { openPage, placementOf, placementOn } from './optional/status-page.ts';
import type { PageHealth } from './page/facts.ts';
import { BackgroundTasks } from './reconcile/background-tasks.ts';
import type { ReconcileContext } from './reconcile/context.ts';
import { keysToReconcile, reconcile } from './reconcile/reconcile.ts';
import { readSettings } from './settings/settings.ts';

/** Flags by the names of the settings. A flag that is not set is absent. */
export type Flags = Readonly<Record<string, string | undefined>>;

/** `nodesweep scheduler`: runs until SIGTERM or SIGINT. Rejects with a SettingsError or ClusterError if it can't start. */
export async function runScheduler(flags: Flags, environment: NodeJS.ProcessEnv): Promise<void> {
  const stopped = nextSignal();
  const settings = readSettings(flags, environment);
  const log = newLogger(settings.logLevel);
  const { Metrics } = await import('./metrics/metrics.ts');
  const { connectCluster } = await import('./kubernetes/connect.ts');
  const metrics = new Metrics(manifest.version);
  let isReady = () => false;
  const probes = await serveHealth(settings.port, { isReady: () => isReady(), readMetrics: () => metrics.read() });
  const place = { environment, hostname: hostname() };
  const connecting = connectCluster(settings, place, log, metrics);
  connecting.catch(() => probes.close());
  const connection = await Promise.race([connecting, stopped.then(() => undefined)]);
  if (connection === undefined) process.exit();
  const { cluster, leases, namespace, readCleanerLog, readCandidateLog } = connection;
  // In a pod, the process has the same ID after each restart, so it keeps its lease.
  const identity = `${place.hostname}_${process.pid}`;
  const leadership = settings.leaderElection ? new Election(leases, identity, log) : aloneInTheLead;
  const background = new BackgroundTasks(log);
  const trigger = () => dispatcher.trigger();
  const isLeader = () => leadership.isLeader;
  const readClock = () => cluster.readClock();
  const notifications = await openNotifications(settings, {
    place: { namespace, cluster: settings.notifyCluster },
    isLeader,
    onDelivered: trigger,
    count: metrics.countNotifications,
    log,
    readClock,
  });
  const opening = openRegistryQuestions(settings, { readLog: readCandidateLog, onAnswered: trigger, isLeader, log });
  opening.catch(() => probes.close());
  const questions = await opening;
  const context = {
    cluster,
    log,
    journals: new Journals(),
    background,
    kinds: runKinds,
    startTimeoutMs: settings.startTimeoutSeconds * 1000,
    observer: metrics,
    ...questions,
    notifier: notifications?.notifier,
  };
  const dispatcher = createDispatcher(context, leadership, metrics);
  isReady = () => cluster.isCurrent && leadership.isCurrent;
  metrics.observe({
    state: () => cluster.state(),
    isLeader,
    isCurrent: isReady,
    pendingNotifications: () => notifications?.notifier.pending ?? 0,
    readClock,
  });
  const health = (): PageHealth => ({ isCurrent: cluster.isCurrent, leader: leaderOf(leadership) });
  const page = await openPage(
    placementOf(settings, 'KUBERNETES_SERVICE_HOST' in environment),
    { cluster, kinds: runKinds, health, place: { kind: 'Cluster', namespace }, readCleanerLog },
    log,
  );
  const lead = () => {
    questions?.copies.reset(readClock());
    trigger();
  };
  const begun = cluster.start(trigger).then(() => leadership.start(lead));
  const signal = await Promise.race([stopped, begun.then(() => stopped)]);
  log.info({ signal }, 'stopping');
  const isIdle = await endsWithin(
    6_000,
    dispatcher.stop().then(() => background.finish()),
  );
  const parts = [questions?.pullChecks.stop(), notifications?.stop()];
  await endsWithin(
    1_000,
    Promise.all(parts).then(() => {}),
  );
  await endsWithin(2_000, leadership.stop());
  await endsWithin(1_000, cluster.stop());
  page?.close();
  probes.close();
  // The process can end at any point without harm: the next one continues from the objects on the API server.
  if (!isIdle) process.exit();
}

/** `nodesweep local`: runs the same scheduler with runtimes as nodes, until SIGTERM or SIGINT. */
export async function runLocal(options: LocalOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const log = newLogger(options.logLevel);
  const { openLocalCluster } = await import('./local/cluster.ts');
  const cluster = openLocalCluster(options, { program: ownProgram(), environment }, log);
  // npm forwards a Ctrl-C that the process has already received. The second signal must not end the wait for the cleaners.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {});
  const health = (): PageHealth => ({ isCurrent: true, leader: 'This' });
  const page = placementOn(options.page);
  await runUntilSignal(cluster, 60_000, log, async () => {
    log.info({ policies: options.policies }, 'the scheduler is ready');
    await openPage(page, { cluster, kinds: localKinds, health, place: { kind: 'Local' } }, log);
  });
}

/** The command with which this program was started: a script of Node.js, or a single-file executable. */
function ownProgram(): Launch['program'] {
  const { execPath, execArgv, argv } = process;
  if (isSea()) return [execPath];
  // Two processes can't be debugged at the same address.
  const options = execArgv.filter((option) => !option.startsWith('--inspect'));
  return [execPath, ...options, argv[1] ?? ''];
}

/** Reconciles a cluster until SIGTERM or SIGINT, and then finishes the work in progress. */
async function runUntilSignal(
  cluster: Cluster,
  startTimeoutMs: number,
  log: Log,
  onReady: () => Promise<void>,
): Promise<void> {
  const stopped = nextSignal();
  const background = new BackgroundTasks(log);
  const dispatcher = createDispatcher(
    { cluster, log, journals: new Journals(), background, kinds: localKinds, startTimeoutMs },
    aloneInTheLead,
  );
  const begun = cluster
    .start(() => dispatcher.trigger())
    .then(async () => {
      await onReady();
      dispatcher.trigger();
    });
  const signal = await Promise.race([stopped, begun.then(() => stopped)]);
  log.info({ signal }, 'stopping');
  await dispatcher.stop();
  await background.finish();
  await cluster.stop();
}

function leaderOf({ isLeader, isCurrent }: Pick<Election, 'isLeader' | 'isCurrent'>): PageHealth['leader'] {
  if (isLeader) return 'This';
  return isCurrent ? 'Other' : 'Unknown';
}

/** The election of a process that has no lease: it always leads. */
const aloneInTheLead: Pick<Election, 'isLeader' | 'isCurrent' | 'start' | 'stop'> = {
  isLeader: true,
  isCurrent: true,
  start: (onElected) => onElected(),
  stop: async () => {},
};

/** Reconciles the policies of a cluster while this process leads. */
function createDispatcher(
  context: ReconcileContext,
  leadership: Pick<Election, 'isLeader'>,
  metrics?: Metrics,
): Dispatcher {
  const { cluster } = context;
  const workOn = async (policy: string): Promise<Next> => {
    // The next leader starts with all policies.
    if (!leadership.isLeader) {
      context.notifier?.forget(policy);
      return 'Gone';
    }
    const startedAt = performance.now();
    const wakeAt = await reconcile(context, policy, cluster.readClock());
    metrics?.observePass((performance.now() - startedAt) / 1000);
    return wakeAt instanceof Date ? wakeAt.getTime() - cluster.readClock().getTime() : wakeAt;
  };
  return new Dispatcher({ keys: () => keysToReconcile(cluster.state()), workOn });
}

/** False if it takes longer. */
function endsWithin(milliseconds: number, ending: Promise<void>): Promise<boolean> {
  return pTimeout(
    ending.then(() => true),
    { milliseconds, fallback: () => false },
  );
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
