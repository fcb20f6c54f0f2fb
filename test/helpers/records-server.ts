import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildRecord, buildStatus } from '../../scheduler/kubernetes/objects.ts';
import type { NodeProgress } from '../../scheduler/run/progress.ts';
import type { Run } from '../../scheduler/run/run.ts';
import type { PolicyStatus } from '../../scheduler/status/status.ts';
import { buildPolicyObject, buildRun, secondsLater } from './builders.ts';
import { LoopbackApi } from './loopback-api.ts';

const leases = '/apis/coordination.k8s.io/v1/namespaces/nodesweep/leases';
const maps = '/api/v1/namespaces/nodesweep/configmaps';

export const minutesAgo = (minutes: number): Date => secondsLater(-60 * minutes, new Date());

/** An API server on loopback with policies, their statuses and records of runs, and a kubeconfig for it. */
export class RecordsServer {
  readonly kubeconfig: string;
  readonly #api = new LoopbackApi();
  readonly #directory: string;
  #renewals: NodeJS.Timeout | undefined;

  static async start(): Promise<RecordsServer> {
    const server = new RecordsServer(await mkdtemp(join(tmpdir(), 'nodesweep-records-')));
    await server.#api.start();
    await writeFile(server.kubeconfig, server.#api.config.exportConfig());
    server.#renewLease();
    server.#renewals = setInterval(() => server.#renewLease(), 1_000);
    return server;
  }

  private constructor(directory: string) {
    this.#directory = directory;
    this.kubeconfig = join(directory, 'kubeconfig');
  }

  /** Ends the server; its kubeconfig stays. */
  stop(): Promise<void> {
    clearInterval(this.#renewals);
    return this.#api.stop();
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** Renews the lease, as a scheduler at work does. */
  #renewLease(): void {
    this.#api.put(leases, 'nodesweep-scheduler', {
      spec: { holderIdentity: 'scheduler', leaseDurationSeconds: 15, renewTime: new Date().toISOString() },
    });
  }

  putNode(name: string): void {
    this.#api.put('/api/v1/nodes', name, {});
  }

  putPolicy(name: string, text: string, status: Partial<PolicyStatus> = {}): void {
    const { metadata } = this.#api.put(maps, name, {
      metadata: { labels: { 'nodesweep.io/kind': 'policy' } },
      data: { 'cleanup.yaml': text },
    });
    const observed = { policyUid: metadata.uid ?? '', observedVersion: metadata.resourceVersion ?? '' };
    const full = { ...observed, valid: true, problems: [], scheduleSince: minutesAgo(1000), ...status };
    const object = buildPolicyObject({}, { name, uid: metadata.uid ?? '' });
    this.#api.put(maps, `${name}.status`, buildStatus('nodesweep', object, full));
  }

  /** Makes a request for a run, which the scheduler sees at once, and does not act on. */
  putRequest(name: string, request: string): void {
    const known = this.#api.objects.get(`${maps}/${name}`);
    const metadata = { ...known?.metadata, annotations: { 'nodesweep.io/run-at': request } };
    const { metadata: next } = this.#api.put(maps, name, { ...known, metadata });
    const observed = { policyUid: next.uid ?? '', observedVersion: next.resourceVersion ?? '' };
    const object = buildPolicyObject({}, { name, uid: next.uid ?? '' });
    const full = { ...observed, valid: true, problems: [], scheduleSince: minutesAgo(1000) };
    this.#api.put(maps, `${name}.status`, buildStatus('nodesweep', object, full));
  }

  putRun(policy: string, run: Partial<Run>, nodes: Readonly<Record<string, NodeProgress>>): void {
    const full = buildRun({}, { name: `${policy}-1`, policy, nodes: new Map(Object.entries(nodes)), ...run });
    const object = buildPolicyObject({}, { name: policy, uid: `uid-of-${policy}` });
    this.#api.put(maps, `${full.name}.run`, buildRecord('nodesweep', object, full));
  }

  /** Puts a record that nothing can read. */
  putDamagedRun(name: string): void {
    this.#api.put(maps, `${name}.run`, { metadata: { labels: { 'nodesweep.io/kind': 'run' } }, data: {} });
  }

  annotationOf(policy: string, name: string): string | undefined {
    return this.#api.objects.get(`${maps}/${policy}`)?.metadata.annotations?.[name];
  }
}
