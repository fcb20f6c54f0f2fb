import type { KubernetesApi } from '../../scheduler/kubernetes/api/api.ts';
import { ClusterError, isExpired, isForbidden, isNotFound } from '../../scheduler/kubernetes/api/error.ts';
import type { FurtherResource } from '../../scheduler/kubernetes/api/paths.ts';
import { readReport, type UnreadReport } from '../trivy/images/report.ts';
import type { ReportList, ReportPort } from '../trivy/source.ts';

const resources = [
  'vulnerabilityreports.aquasecurity.github.io/v1alpha1',
  'clustervulnerabilityreports.aquasecurity.github.io/v1alpha1',
] as const satisfies readonly FurtherResource[];

type ReadReport = ReturnType<typeof readReport>;

/** A report has up to 1.5 MiB (the limit of etcd), often 200 KB. Memory holds one page of them. */
const pageSize = 10;

/** A list of many reports can take longer than the API server keeps its version, 5 to 10 minutes. */
const maxBegins = 5;

/** The reports of Trivy Operator that the API server has. */
export class KubernetesReports implements ReportPort {
  readonly #api: KubernetesApi;

  constructor(api: KubernetesApi) {
    this.#api = api;
  }

  async readReports(signal: AbortSignal): Promise<ReportList> {
    const read: ReadReport[] = [];
    for (const resource of resources) read.push(...(await this.#readAll(resource, signal)));
    const count = (kind: UnreadReport) => read.filter((report) => report === kind).length;
    return {
      reports: read.filter((report) => typeof report !== 'string'),
      withoutName: count('noTagOrDigest'),
      unreadable: count('unreadable'),
    };
  }

  now(): Date {
    return this.#api.clock.now();
  }

  /** Begins again if the API server no longer has the version of the first page. */
  async #readAll(resource: FurtherResource, signal: AbortSignal): Promise<readonly ReadReport[]> {
    for (let begins = 1; ; begins += 1) {
      try {
        return await this.#readPages(resource, signal);
      } catch (cause) {
        if (!isExpired(cause) || begins === maxBegins) throw explain(resource, cause);
      }
    }
  }

  async #readPages(resource: FurtherResource, signal: AbortSignal): Promise<readonly ReadReport[]> {
    const read: ReadReport[] = [];
    signal.throwIfAborted();
    for await (const { items } of this.#api.pages<unknown>({ resource }, { limit: pageSize })) {
      for (const item of items) read.push(readReport(item));
      signal.throwIfAborted();
    }
    return read;
  }
}

function explain(resource: FurtherResource, cause: unknown): unknown {
  const [name = ''] = resource.split('/');
  if (isNotFound(cause))
    return new ClusterError(`the cluster has no ${name}: install Trivy Operator, or update it`, { cause });
  if (isForbidden(cause) && cause instanceof ClusterError)
    return new ClusterError(`${cause.message}; allow the producer to list ${name} in all namespaces`, { cause });
  return cause;
}
