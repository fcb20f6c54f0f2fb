import { Journals } from '../../scheduler/journal/journals.ts';
import { runKinds } from '../../scheduler/kinds.ts';
import { KubernetesApi } from '../../scheduler/kubernetes/api/api.ts';
import { KubernetesTransport } from '../../scheduler/kubernetes/api/transport.ts';
import { KubernetesCluster } from '../../scheduler/kubernetes/cluster.ts';
import { BackgroundTasks } from '../../scheduler/reconcile/background-tasks.ts';
import { keysToReconcile, reconcile } from '../../scheduler/reconcile/reconcile.ts';
import { LoopbackApi } from './loopback-api.ts';

export const maps = '/api/v1/namespaces/nodesweep/configmaps';
export const nodes = '/api/v1/nodes';
export const pods = '/api/v1/namespaces/nodesweep/pods';
const template = { namespace: 'nodesweep', image: 'nodesweep:1', serviceAccountName: 'cleaner', logLevel: 'info' };
const log = { info: () => {}, warn: () => {}, error: () => {} };

/** A scheduler on an API server on loopback, with its real watches, that makes a pass when a test asks for one. */
export class LoopbackScheduler {
  readonly server = new LoopbackApi();
  #journals = new Journals();
  #cluster: KubernetesCluster | undefined;

  static async start(): Promise<LoopbackScheduler> {
    const scheduler = new LoopbackScheduler();
    await scheduler.server.start();
    await scheduler.#connect();
    return scheduler;
  }

  async stop(): Promise<void> {
    await this.#cluster?.stop();
    await this.server.stop();
  }

  get cluster(): KubernetesCluster {
    if (this.#cluster === undefined) throw new Error('not started');
    return this.#cluster;
  }

  /** Another process takes over: it knows only what the API server holds. */
  async restart(): Promise<void> {
    await this.#cluster?.stop();
    this.#journals = new Journals();
    await this.#connect();
  }

  /** Makes one pass over all policies. Returns the seconds until the next one of each, if that is known. */
  async pass(after = 0): Promise<Record<string, number | undefined>> {
    const { cluster } = this;
    const background = new BackgroundTasks(log);
    const context = { cluster, log, journals: this.#journals, background, kinds: runKinds, startTimeoutMs: 60_000 };
    const now = new Date(cluster.readClock().getTime() + after * 1_000);
    const waits: Record<string, number | undefined> = {};
    for (const name of keysToReconcile(cluster.state())) {
      const next = await reconcile(context, name, now);
      waits[name] = next instanceof Date ? (next.getTime() - now.getTime()) / 1_000 : undefined;
    }
    await background.finish();
    return waits;
  }

  putPolicy(name: string, document = 'schedule: "@daily"'): void {
    this.server.put(maps, name, {
      metadata: { labels: { 'nodesweep.io/kind': 'policy' } },
      data: { 'cleanup.yaml': document },
    });
  }

  putNode(name: string): void {
    this.server.put(nodes, name, {
      metadata: { labels: { 'kubernetes.io/os': 'linux' } },
      status: {
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
        nodeInfo: { containerRuntimeVersion: 'containerd://2.1.0', operatingSystem: 'linux' },
      },
    });
  }

  async #connect(): Promise<void> {
    const api = new KubernetesApi({ transport: new KubernetesTransport(this.server.config), requestsPerSecond: 1_000 });
    this.#cluster = new KubernetesCluster({ api, template, overrides: { sockets: [], stateDirectories: [] }, log });
    await this.#cluster.start(() => {});
  }
}
