import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { bundledProgram, compileCache } from './bundle.ts';
import { freePort } from './free-port.ts';
import { LoopbackApi } from './loopback-api.ts';

/** The end of a scheduler, and what it has logged. */
export interface SchedulerEnd {
  readonly exitCode: number | undefined;
  readonly log: string;
}

/** An installed scheduler: a process of this machine, in a pod as it believes, with an API server on loopback. */
export class SchedulerProcess {
  readonly api = new LoopbackApi();
  readonly #directory: string;
  readonly #port: number;
  #child: ReturnType<typeof launch> | undefined;

  /** Nothing is started yet. */
  static async prepare(): Promise<SchedulerProcess> {
    const scheduler = new SchedulerProcess(await mkdtemp(join(tmpdir(), 'nodesweep-scheduler-')), await freePort());
    await scheduler.api.start();
    scheduler.api.put('/api/v1/namespaces/nodesweep/pods', hostname(), {
      spec: { containers: [{ name: 'scheduler', image: 'registry.test/nodesweep:1' }] },
    });
    await writeFile(join(scheduler.#directory, 'kubeconfig'), scheduler.api.config.exportConfig());
    return scheduler;
  }

  private constructor(directory: string, port: number) {
    this.#directory = directory;
    this.#port = port;
  }

  /** `settings` are variables of the environment; `imports` are modules that it loads before the program. */
  start(settings: Readonly<Record<string, string>> = {}, imports: readonly string[] = []): void {
    const { KUBERNETES_SERVICE_HOST: _, ...environment } = process.env;
    const env = {
      ...environment,
      ...compileCache(),
      KUBECONFIG: join(this.#directory, 'kubeconfig'),
      NODESWEEP_NAMESPACE: 'nodesweep',
      NODESWEEP_PORT: String(this.#port),
      ...settings,
    };
    const args = [...imports.flatMap((path) => ['--import', path]), bundledProgram(), 'scheduler'];
    this.#child = launch(args, env);
  }

  /** The code of an answer; undefined where there is none. */
  async ask(path: '/healthz' | '/readyz'): Promise<number | undefined> {
    const signal = AbortSignal.timeout(5_000);
    const response = await fetch(`http://127.0.0.1:${this.#port}${path}`, { signal }).catch(() => undefined);
    await response?.text();
    return response?.status;
  }

  async readMetrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#port}/metrics`)).text();
  }

  /** Lets its clocks step, where `test/fixtures/stepping-clock.mjs` was loaded. */
  stepClocks(): void {
    this.#child?.kill('SIGUSR2');
  }

  /** Asks it to end. */
  stop(): Promise<SchedulerEnd> {
    this.#child?.kill('SIGTERM');
    return this.end();
  }

  /** Resolves when it has ended by itself. */
  async end(): Promise<SchedulerEnd> {
    const { exitCode, stdout, stderr } = (await this.#child) ?? {};
    return { exitCode, log: `${stdout}\n${stderr}` };
  }

  async remove(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#child;
    await this.api.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

function launch(args: readonly string[], env: NodeJS.ProcessEnv) {
  return execa(process.execPath, args, { reject: false, extendEnv: false, env });
}
