import type { WatchedObject } from '../cluster/api.ts';
import { type KwokCluster, NAMESPACE } from '../cluster/kwok.ts';

/** The largest numbers of nodes that had a puller at work at the same time: in all, and by registry. */
export class BusyNodes {
  readonly most: Record<string, number> = { all: 0 };
  readonly #pods = new Map<string, readonly string[]>();
  stop: () => void = () => {};

  static async watch({ api }: Pick<KwokCluster, 'api'>): Promise<BusyNodes> {
    const busy = new BusyNodes();
    busy.stop = await api.watch(`/api/v1/namespaces/${NAMESPACE}/pods`, (type, pod) => busy.#note(type, pod));
    return busy;
  }

  #note(type: string, { metadata, spec, status }: WatchedObject): void {
    if (type === 'BOOKMARK') return;
    const isAtWork = type !== 'DELETED' && !/Succeeded|Failed/.test(status?.phase ?? '');
    if (!isAtWork) {
      this.#pods.delete(metadata.name);
      return;
    }
    const hosts = (spec?.containers ?? []).map(({ image }) => image.split('/')[0] ?? '');
    this.#pods.set(metadata.name, [...new Set(hosts)]);
    const counts = Map.groupBy([...this.#pods.values()].flat(), (host) => host);
    this.#raise('all', this.#pods.size);
    for (const [host, { length }] of counts) this.#raise(host, length);
  }

  #raise(name: string, count: number): void {
    this.most[name] = Math.max(this.most[name] ?? 0, count);
  }
}
