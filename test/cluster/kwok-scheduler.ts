import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { imageEnvironment } from './image-environment.ts';
import { type KwokCluster, NAMESPACE } from './kwok.ts';
import { productMain } from './product-bundle.ts';
import { waitFor } from './wait.ts';

/** The scheduler of this checkout, as a process of this machine. */
export interface SchedulerProcess {
  readonly pid: number;
  readonly port: number;
  /** Ends it and returns its exit code: undefined where a signal has. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<number | undefined>;
}

/** Starts a scheduler with the rights that the manifests give it; its log is `logs/NAME.log` of the cluster. */
export function launchScheduler(
  cluster: Pick<KwokCluster, 'directory' | 'schedulerKubeconfig'>,
  { name = 'scheduler', port = 18_080, settings = {} as Readonly<Record<string, string>> } = {},
): SchedulerProcess {
  const env = {
    ...imageEnvironment,
    KUBECONFIG: cluster.schedulerKubeconfig,
    NODESWEEP_NAMESPACE: NAMESPACE,
    NODESWEEP_IMAGE: 'registry.test/nodesweep:1',
    NODESWEEP_PORT: String(port),
    ...settings,
  };
  const child = execa(process.execPath, [productMain(cluster.directory), 'scheduler'], {
    env,
    reject: false,
    buffer: false,
    all: true,
  });
  child.all.pipe(createWriteStream(join(cluster.directory, 'logs', `${name}.log`), { flags: 'a' }));
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal);
    return (await child).exitCode;
  };
  return { pid: child.pid ?? 0, port, stop };
}

/** Starts a scheduler and returns when it is ready. */
export async function startScheduler(...arguments_: Parameters<typeof launchScheduler>): Promise<SchedulerProcess> {
  const scheduler = launchScheduler(...arguments_);
  await waitFor('the scheduler to be ready', 30_000, async () => (await isReady(scheduler)) || undefined);
  return scheduler;
}

export async function isReady({ port }: SchedulerProcess): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
}
