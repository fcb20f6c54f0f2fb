import { pino } from 'pino';
import { formatDuration } from '../contract/duration.ts';
import { messageOf } from '../contract/errors.ts';
import type { KubernetesApi } from '../scheduler/kubernetes/api/api.ts';
import type { ClusterFlags } from '../scheduler/kubernetes/kubeconfig.ts';
import { FileOutput, StandardOutput } from './output/file.ts';
import { type Produced, type ProduceOptions, produce, SourceError } from './produce.ts';
import type { SetSource } from './source.ts';
import type { SetStore } from './store.ts';

/** The options that all producers have. */
export interface ProducerOptions extends ClusterFlags {
  readonly namespace: string;
  /** The name of the set. */
  readonly name: string;
  /** The key of the set, which shows the kind of its source, such as `trivy.txt`. */
  readonly key: string;
  /** The file to write in place of the cluster, or `-` for standard output. */
  readonly output?: string | undefined;
  readonly timeoutSeconds: number;
  /** True for sentences, false for JSON lines. */
  readonly isForPerson: boolean;
}

/** The log of a producer. */
export interface SetLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The parts of the process that sources use. */
export interface SourceTools {
  readonly environment: NodeJS.ProcessEnv;
  readonly log: SetLog;
  /** Opens the cluster at the first call. Throws a ClusterError if there is none. */
  readonly connect: () => Promise<KubernetesApi>;
  /** The time of the API server after its first answer, and of this machine before. */
  readonly readClock: () => Date;
}

/** Creates the source of a set. Rejects if its options are wrong. */
export type OpenSource = (tools: SourceTools) => SetSource | Promise<SetSource>;

/** The process of a command. */
export interface ProducerProcess {
  readonly environment: NodeJS.ProcessEnv;
  /** Aborts when the process is asked to stop. */
  readonly interrupted: AbortSignal;
}

/**
 * Brings one image set up to date. Returns the exit code: 0 if the set is up to date, 1 if the source could not be read
 * completely, 2 if the options are wrong or the set can't be written. Logs the result or the error.
 */
export async function runProducer(
  options: ProducerOptions,
  openSource: OpenSource,
  { environment, interrupted }: ProducerProcess,
): Promise<number> {
  const log = createLog(options);
  const cluster = openCluster(options, environment);
  const deadline = createDeadline(options.timeoutSeconds, interrupted);
  try {
    const source = await openSource({ environment, log, connect: cluster.connect, readClock: cluster.readClock });
    const store = await openStore(options, cluster.connect);
    const produceOptions: ProduceOptions = { signal: deadline.signal, readClock: cluster.readClock };
    const produced = await produce(source, store, produceOptions);
    log.info({ event: 'set', set: options.name, ...produced }, describe(store, produced));
    return 0;
  } catch (error) {
    const isOfSource = error instanceof SourceError;
    const reason = error instanceof Error ? error.name : 'Error';
    log.error({ event: 'error', set: options.name, reason }, messageOf(error));
    return isOfSource ? 1 : 2;
  } finally {
    deadline.end();
    await cluster.close();
  }
}

/** One connection for the set and for the source. */
function openCluster(options: ProducerOptions, environment: NodeJS.ProcessEnv) {
  let opening: Promise<KubernetesApi> | undefined;
  let api: KubernetesApi | undefined;
  const open = async () => {
    const { connect } = await import('./kubernetes/connect.ts');
    api = connect(options, environment);
    return api;
  };
  return {
    connect: () => {
      opening ??= open();
      return opening;
    },
    readClock: () => api?.clock.now() ?? new Date(),
    close: async () => api?.close(),
  };
}

async function openStore(
  { output, namespace, name, key }: ProducerOptions,
  connect: () => Promise<KubernetesApi>,
): Promise<SetStore> {
  if (output === '-') return new StandardOutput(writeToStandardOutput);
  if (output !== undefined) return new FileOutput(output);
  const { KubernetesSetStore } = await import('./kubernetes/store.ts');
  return new KubernetesSetStore(await connect(), { namespace, name, key });
}

/** Resolves when the text is handed over, so that the process may end. */
function writeToStandardOutput(text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  return promise;
}

/** A signal that aborts after a time, or when the process is asked to stop. Its timer keeps the process alive. */
function createDeadline(seconds: number, interrupted: AbortSignal) {
  const controller = new AbortController();
  const expire = () =>
    controller.abort(new Error(`it took longer than ${formatDuration(seconds * 1_000)} (--timeout)`));
  const timer = setTimeout(expire, seconds * 1_000);
  const interrupt = () => controller.abort(new Error('the command was asked to stop'));
  if (interrupted.aborted) interrupt();
  interrupted.addEventListener('abort', interrupt, { once: true });
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(timer);
      interrupted.removeEventListener('abort', interrupt);
    },
  };
}

function describe({ description }: SetStore, { outcome, images, added, removed, note }: Produced): string {
  const changes = outcome === 'Unchanged' ? 'unchanged' : `${added} new, ${removed} gone`;
  return `${description}: ${images === 1 ? '1 image' : `${images} images`}, ${changes}${note === undefined ? '' : `; ${note}`}`;
}

/** The log goes to standard output, or to standard error if the set is on standard output. */
function createLog({ isForPerson, output, key }: ProducerOptions): SetLog {
  if (isForPerson) {
    const toErrors = (_: object, message: string) => console.error(`nodesweep: ${message}`);
    const info = (_: object, message: string) => (output === '-' ? console.error(message) : console.log(message));
    return { info, warn: toErrors, error: toErrors };
  }
  const options = {
    base: { source: key.replace(/\.txt$/, '') },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, pino.destination({ fd: output === '-' ? 2 : 1, sync: true }));
}
