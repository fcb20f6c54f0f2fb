import type { BareApi, WatchedObject } from '../cluster/api.ts';
import { NAMESPACE } from '../cluster/kwok.ts';

/** A cleaner pod that was created at some time, whether it is still there or not. */
export interface LedgerEntry {
  readonly name: string;
  readonly run: string;
  readonly node: string;
  readonly attempt: number;
}

/** Every cleaner pod that was ever there, and what must never be: two of a run on a node at once, or one twice. */
export class PodLedger {
  readonly violations: string[] = [];
  readonly #entries = new Map<string, LedgerEntry>();
  readonly #uids = new Map<string, string>();
  readonly #succeeded = new Set<string>();
  readonly #active = new Map<string, string>();
  #stop: () => void = () => {};

  /** Writes down what happens from now on. */
  static async open(api: BareApi): Promise<PodLedger> {
    const ledger = new PodLedger();
    ledger.#stop = await api.watch(`/api/v1/namespaces/${NAMESPACE}/pods`, (type, pod) => ledger.#note(type, pod));
    return ledger;
  }

  close(): void {
    this.#stop();
  }

  entriesOf(run: string): LedgerEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.run === run);
  }

  /** The nodes on which a run has created pods, one entry a pod, sorted. */
  nodesOf(run: string): string[] {
    return this.entriesOf(run)
      .map(({ node }) => node)
      .sort();
  }

  /** True if a pod was created for the node. */
  has(node: string): boolean {
    return [...this.#entries.values()].some((entry) => entry.node === node);
  }

  /** True if a pod for the node was seen to succeed. */
  hasSucceeded(node: string): boolean {
    return this.#succeeded.has(node);
  }

  #note(type: string, pod: WatchedObject): void {
    if (type === 'BOOKMARK') return;
    const { name, uid, labels = {}, annotations = {}, deletionTimestamp } = pod.metadata;
    const run = labels['nodesweep.io/run'] ?? '';
    const node = annotations['nodesweep.io/node-name'] ?? '';
    this.#entries.set(name, { name, run, node, attempt: Number(annotations['nodesweep.io/attempt']) });
    if (pod.status?.phase === 'Succeeded') this.#succeeded.add(node);
    const before = this.#uids.get(name);
    if (before !== undefined && before !== uid) this.violations.push(`pod ${name} was created twice`);
    this.#uids.set(name, uid);
    const isActive =
      type !== 'DELETED' && deletionTimestamp === undefined && /Pending|Running/.test(pod.status?.phase ?? '');
    this.#noteActive(`${run} on ${node}`, name, isActive);
  }

  #noteActive(place: string, name: string, isActive: boolean): void {
    const other = this.#active.get(place);
    if (isActive && other !== undefined && other !== name)
      this.violations.push(`${place}: ${other} and ${name} at once`);
    if (isActive) this.#active.set(place, name);
    else if (other === name) this.#active.delete(place);
  }
}
