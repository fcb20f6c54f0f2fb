import { hostname } from 'node:os';
import { isSea } from 'node:sea';
import pTimeout from 'p-timeout';
import { pino } from 'pino';
import { messageOf } from '../contract/errors.ts';
import manifest from '../package.json' with { type: 'json' };
import { imagesIn, usedShareOf } from './cleanup/candidates.ts';
import type { Cluster } from './cluster.ts';
import { Copies } from './copies/copies.ts';
import { Dispatcher, type Next } from './dispatcher.ts';
import { Election } from './election.ts';
import { serveHealth } from './health.ts';
import { Journals } from './journal/journals.ts';
import { localKinds, runKinds } from './kinds.ts';
import type { LocalOptions } from './local/cluster.ts';
import type { Launch } from './local/pods.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics/metrics.ts';
import { Notifier, type NotifierPorts } from './notifier.ts';
import type { PageHealth, PagePlace } from './page/facts.ts';
import type { ReadCleanerLog } from './page-logs.ts';
import type { PagePlacement, PageServer } from './page-server.ts';
import { type PullCheckPorts, PullChecks } from './pull-checks.ts';
import { BackgroundTasks } from './reconcile/background-tasks.ts';
import type { ReconcileContext } from './reconcile/context.ts';
import { keysToReconcile, reconcile } from './reconcile/reconcile.ts';
import type { RunKind } from './run/kind.ts';
import {
  settings as knownSettings,
  pagePortOf,
  readSettings,
  type Settings,
  SettingsError,
} from './settings/settings.ts';

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
  const notifications = await openNotifications(settings, {
    place: { namespace, cluster: settings.notifyCluster },
    isLeader: () => leadership.isLeader,
    onDelivered: () => dispatcher.trigger(),
    count: metrics.countNotifications,
    log,
    readClock: () => cluster.readClock(),
  });
  const copies = settings.registryCheck ? new Copies(() => leadership.isLeader) : undefined;
  const openingChecks = openPullChecks(settings, {
    readLog: readCandidateLog,
    onListed: (pod, { ids, candidates }) =>
      copies?.noteList(pod, { ids, candidates: new Set(candidates.keys()), usedShare: usedShareOf(pod) }),
    onAnswered: () => dispatcher.trigger(),
    log,
  });
  openingChecks.catch(() => probes.close());
  const pullChecks = await openingChecks;
  const context = {
    cluster,
    log,
    journals: new Journals(),
    background,
    kinds: runKinds,
    startTimeoutMs: settings.startTimeoutSeconds * 1000,
    observer: metrics,
    pullChecks,
    copies,
    notifier: notifications?.notifier,
  };
  const dispatcher = createDispatcher(context, leadership, metrics);
  isReady = () => cluster.isCurrent && leadership.isCurrent;
  metrics.observe({
    state: () => cluster.state(),
    isLeader: () => leadership.isLeader,
    isCurrent: isReady,
    pendingNotifications: () => notifications?.notifier.pending ?? 0,
    readClock: () => cluster.readClock(),
  });
  const health = (): PageHealth => ({ isCurrent: cluster.isCurrent, leader: leaderOf(leadership) });
  const page = await openPage(
    placementOf(settings, 'KUBERNETES_SERVICE_HOST' in environment),
    { cluster, kinds: runKinds, health, place: { kind: 'Cluster', namespace }, readCleanerLog },
    log,
  );
  const lead = () => {
    copies?.reset(cluster.readClock());
    dispatcher.trigger();
  };
  const begun = cluster.start(() => dispatcher.trigger()).then(() => leadership.start(lead));
  const signal = await Promise.race([stopped, begun.then(() => stopped)]);
  log.info({ signal }, 'stopping');
  const isIdle = await endsWithin(
    6_000,
    dispatcher.stop().then(() => background.finish()),
  );
  notifications?.notifier.stop();
  await endsWithin(1_000, pullChecks?.stop() ?? Promise.resolve());
  await endsWithin(1_000, notifications?.receiver.stop() ?? Promise.resolve());
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

/** The parts of a scheduler that the page shows. */
interface Shown {
  readonly cluster: Pick<Cluster, 'state' | 'readClock'>;
  readonly kinds: readonly RunKind[];
  readonly health: () => PageHealth;
  readonly place: PagePlace;
  readonly readCleanerLog?: ReadCleanerLog;
}

/** Serves the status page. A page that can't be served is reported, and stops no run. */
async function openPage(placement: PagePlacement | undefined, shown: Shown, log: Log): Promise<PageServer | undefined> {
  if (placement === undefined) return undefined;
  const { cluster, kinds, health, place, readCleanerLog } = shown;
  const facts = () => ({
    state: cluster.state(),
    kinds,
    health: health(),
    place,
    version: manifest.version,
    now: cluster.readClock(),
  });
  try {
    const { servePage } = await import('./page-server.ts');
    const page = await servePage(placement, { facts, readCleanerLog }, log);
    log.info({ url: page.url }, `the status page is at ${page.url}`);
    return page;
  } catch (err) {
    log.error({ err }, `the status page is not served: ${String(err)}; give it another port`);
    return undefined;
  }
}

function placementOf(settings: Settings, isInCluster: boolean): PagePlacement | undefined {
  const port = pagePortOf(settings, isInCluster);
  return port === undefined ? undefined : { address: settings.pageAddress, port, hosts: settings.pageHosts };
}

/** The placement of the page of `nodesweep local`, which only this machine reaches. */
function placementOn(port: number | undefined): PagePlacement | undefined {
  return port === undefined ? undefined : { address: '127.0.0.1', port, hosts: [] };
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

/** The longest time for one message, from the connection to the end of the answer. */
const notifyTimeoutMs = 15_000;

/** Opens the notifications, if there is a file with the address of a receiver. */
async function openNotifications(
  { notifyUrlFile: addressFile, notifyFormat: format = 'json' }: Settings,
  ports: Omit<NotifierPorts, 'receiver' | 'after'>,
) {
  if (addressFile === undefined) return undefined;
  const { Webhook } = await import('./webhook/webhook.ts');
  const receiver = new Webhook({ addressFile, format, timeoutMs: notifyTimeoutMs, readClock: ports.readClock });
  return { receiver, notifier: new Notifier({ ...ports, receiver, after }) };
}

/** The longest time for one request to a registry. */
const registryTimeoutMs = 10_000;

/** Opens the checks with registries, if a setting allows them. */
async function openPullChecks(
  { registryCheck, registrySecrets, registryCa, registryPlainHosts }: Settings,
  ports: Pick<PullCheckPorts, 'readLog' | 'onListed' | 'onAnswered' | 'log'>,
): Promise<PullChecks | undefined> {
  if (!registryCheck) return undefined;
  const { openRegistries } = await import('./registry/open.ts');
  const options = { secrets: registrySecrets, caFile: registryCa, plainHosts: registryPlainHosts };
  const registries = await openRegistries({ ...options, timeoutMs: registryTimeoutMs }, ports.log).catch((cause) => {
    const { variable, flag } = knownSettings.registryCa;
    throw new SettingsError(`${variable} (${flag}): can't be read: ${messageOf(cause)}`, { cause });
  });
  return new PullChecks({ ...ports, registries, imagesIn, nowMs: () => performance.now() });
}

function after(delayMs: number, action: () => void): () => void {
  const timer = setTimeout(action, delayMs);
  return () => clearTimeout(timer);
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
