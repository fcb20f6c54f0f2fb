import { ApiException, AppsV1Api, BatchV1Api, CoreV1Api, type KubeConfig } from '@kubernetes/client-node';
import pThrottle from 'p-throttle';
import pTimeout from 'p-timeout';

type Throttle = <T>(request: () => Promise<T>) => Promise<T>;

interface Page<T> {
  readonly items: T[];
  readonly metadata?: { readonly _continue?: string };
}

const pageSize = 500;
/** The API server answers, or says that it can't, well within this time. */
const timeoutMs = 30_000;

/** A call to the API server that failed; the message says what it was about, and what the server answered. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
}

/** The API server, with a limit to the requests per second. */
export class KubernetesApi {
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly batch: BatchV1Api;
  readonly #throttle: Throttle;

  constructor(config: KubeConfig, requestsPerSecond: number) {
    this.core = config.makeApiClient(CoreV1Api);
    this.apps = config.makeApiClient(AppsV1Api);
    this.batch = config.makeApiClient(BatchV1Api);
    const throttle = pThrottle({ limit: requestsPerSecond, interval: 1000 });
    this.#throttle = throttle((request: () => Promise<unknown>) => request()) as Throttle;
  }

  /** One request; undefined where the API server answers with one of the expected codes. Throws a {@link ClusterError}. */
  async call<T>(what: string, expected: readonly number[], request: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#throttle(() => pTimeout(request(), { milliseconds: timeoutMs }));
    } catch (cause) {
      if (cause instanceof ApiException && expected.includes(cause.code)) return undefined;
      throw new ClusterError(`could not ${what}: ${reasonOf(cause)}`, { cause });
    }
  }

  /** Reads a list page by page. */
  async listAll<T>(
    what: string,
    list: (page: { limit: number; _continue?: string }) => Promise<Page<T>>,
  ): Promise<T[]> {
    const items: T[] = [];
    let token: string | undefined;
    do {
      const page = { limit: pageSize, ...(token ? { _continue: token } : {}) };
      const result = await this.call(`list ${what}`, [], () => list(page));
      items.push(...(result?.items ?? []));
      token = result?.metadata?._continue;
    } while (token);
    return items;
  }
}

/** The API server's own words, where it answered. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof ApiException)) return String(cause);
  try {
    return `${cause.code}: ${JSON.parse(cause.body).message}`;
  } catch {
    return `${cause.code}: ${cause.body}`;
  }
}
