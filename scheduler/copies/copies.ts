import type { Node, RunPod } from '../objects.ts';
import { isLasting } from './lasting-nodes.ts';
import { type NodeImages, type NodeList, NodeLists } from './node-lists.ts';
import { OtherCleaners } from './other-cleaners.ts';

/** A question which images a node may lose although no registry is known to have them. */
export interface CopyQuestion {
  readonly node: string;
  /** The IDs of the images that it may lose in any case. */
  readonly pullable: readonly string[];
  /** The IDs of those that it may lose only if a copy stays elsewhere. */
  readonly unpullable: readonly string[];
  /** All nodes and pods, as they are now. */
  readonly nodes: readonly Node[];
  readonly pods: readonly RunPod[];
  /** True for a node whose turn in the run may come later. */
  readonly isToServe: (node: string) => boolean;
  readonly activeDeadlineSeconds: number;
  readonly now: Date;
}

/** The answer for one cleaner. */
export interface CopyAnswer {
  /** The IDs of the images of which another node keeps a copy. */
  readonly spared: readonly string[];
  /** A cleaner that decides later must keep them: others may have lost their copies since. */
  readonly validUntil: Date;
  /** The cause why there is no answer now. */
  readonly note?: string | undefined;
}

/** A node that keeps an image, with its list. */
interface Keeper {
  readonly node: string;
  readonly list: NodeList;
}

/** A list is not used for longer. */
const maxAgeMs = 3_600_000;
/** The time in which a cleaner must use its answer. */
const validMs = 180_000;
/** Clocks of nodes and of API servers differ, watches are late, and a removal takes a while. */
const marginMs = 60_000;
/** The time after which no cleaner has an answer of the leader before. */
const settleMs = validMs + marginMs;
/** A cleaner ends by itself at its deadline, after the removal that is under way. */
const lastRemovalMs = 300_000;

const note = 'the scheduler began to lead only minutes ago, and does not know the other nodes yet';

/**
 * The copies of images on nodes, as cleaners have listed them, and the images that nodes may lose.
 *
 * A node may lose an image only if another node keeps it: that node has listed it in the last hour, was not allowed to lose it
 * since, and no other cleaner may have removed anything there since. So some node keeps each image, in whatever order pods
 * are created and work. What is not known counts as not there: after a restart, nothing is.
 *
 * Images are compared by ID. The ID is the digest of the configuration, so the content is the same. A repository digest may name
 * the images of several platforms, and nodes with the same one may have different content. A runtime that gives the same
 * content another ID only makes the cluster keep two copies.
 */
export class Copies {
  readonly #isLeader: () => boolean;
  readonly #cleaners = new OtherCleaners();
  readonly #lists = new NodeLists();
  /** By node and digest of the image: the end of the time in which the node may lose the image, in milliseconds since the epoch. */
  readonly #grants = new Map<string, Map<string, number>>();
  #settledAt = Number.POSITIVE_INFINITY;
  #tidyAt = 0;

  constructor(isLeader: () => boolean) {
    this.#isLeader = isLeader;
  }

  /** Forgets everything when this process begins to lead: another one may have worked in the meantime. */
  reset(now: Date): void {
    this.#lists.clear();
    this.#grants.clear();
    this.#cleaners.reset();
    this.#settledAt = now.getTime() + settleMs;
  }

  /**
   * Creates a pod that only lists images, or that removes only what {@link allow} was asked or has answered for its node, and
   * nothing after `endsAt`. `create` returns the time in the pod, or undefined if the pod was there.
   */
  create(pod: string, endsAt: Date | undefined, create: () => Promise<Date | undefined>): Promise<void> {
    return this.#cleaners.create(pod, endsAt, create);
  }

  /** Notes the images that a pod has listed. The list of a pod of another process proves nothing. */
  noteList(pod: Pick<RunPod, 'name' | 'node' | 'createdAt'>, images: NodeImages): void {
    const createdAt = pod.createdAt.getTime();
    const before = this.#lists.get(pod.node);
    if (!this.#cleaners.isOwn(pod) || (before !== undefined && before.createdAt > createdAt)) return;
    const [ids, candidates] = [digestsOf(images.ids), digestsOf(images.candidates)];
    this.#lists.set(pod.node, { ids, candidates, usedShare: images.usedShare, createdAt });
  }

  /** Notes the cleaners that there are. It must see each of them before it is gone. */
  observe(pods: readonly RunPod[], now: Date): void {
    this.#cleaners.observe(pods, now);
  }

  /** Decides which images a node may lose. From now on, the node does not count as one that keeps them. */
  allow(question: CopyQuestion): CopyAnswer {
    const { node, pullable, unpullable, pods, now, activeDeadlineSeconds } = question;
    this.#cleaners.observe(pods, now);
    this.#tidy(now.getTime());
    const mayDecide = this.#isLeader() && now.getTime() >= this.#settledAt;
    const spared = mayDecide ? this.#keptElsewhere(unpullable, question) : [];
    const validUntil = new Date(now.getTime() + validMs);
    const grants = this.#grants.get(node) ?? new Map<string, number>();
    this.#grants.set(node, grants);
    const until = lastRemovalAt(validUntil, activeDeadlineSeconds).getTime();
    for (const id of [...pullable, ...spared].map(digestOf)) grants.set(id, Math.max(until, grants.get(id) ?? 0));
    return { spared, validUntil, ...(!mayDecide && { note }) };
  }

  /** The images that another node keeps. A fuller node whose turn comes later may lose its copy in place of this one. */
  #keptElsewhere(ids: readonly string[], question: CopyQuestion): readonly string[] {
    const keepers = this.#keepers(question);
    const usedShare = this.#lists.get(question.node)?.usedShare ?? 1;
    return ids.filter((whole) => {
      const id = digestOf(whole);
      const others = this.#lists.holdersOf(id).flatMap((node) => {
        const list = keepers.get(node);
        return list === undefined || this.#mayLose(node, list, id) ? [] : [{ node, list }];
      });
      const isBetter = ({ node, list }: Keeper) =>
        list.usedShare > usedShare && list.candidates.has(id) && question.isToServe(node);
      return others.length > 0 && !others.some(isBetter);
    });
  }

  /** The other nodes whose lists are still true, but for what the nodes were allowed to lose. */
  #keepers({ node, nodes, now }: CopyQuestion): ReadonlyMap<string, NodeList> {
    const disturbances = this.#cleaners.disturbances();
    const platform = platformOf(nodes.find(({ name }) => name === node));
    const keepers = nodes.flatMap((other): [string, NodeList][] => {
      const list = this.#lists.get(other.name);
      if (list === undefined || other.name === node || platformOf(other) !== platform) return [];
      const disturbedAt = disturbances.get(other.name) ?? Number.NEGATIVE_INFINITY;
      const isTrue = now.getTime() - list.createdAt <= maxAgeMs && disturbedAt + marginMs < list.createdAt;
      return isTrue && isLasting(other, new Date(list.createdAt - marginMs)) ? [[other.name, list]] : [];
    });
    return new Map(keepers);
  }

  /** True if the node was allowed to lose the image, and may have lost it after it was listed. */
  #mayLose(node: string, { createdAt }: NodeList, id: string): boolean {
    const until = this.#grants.get(node)?.get(id) ?? Number.NEGATIVE_INFINITY;
    return until + marginMs >= createdAt;
  }

  /** Forgets what is too old to matter, once in a while. */
  #tidy(now: number): void {
    if (now < this.#tidyAt) return;
    this.#tidyAt = now + maxAgeMs / 10;
    this.#cleaners.forgetBefore(now - maxAgeMs - marginMs);
    this.#lists.forgetBefore(now - maxAgeMs);
    for (const [node, grants] of this.#grants) {
      for (const [id, until] of grants) if (now - until > maxAgeMs + marginMs) grants.delete(id);
      if (grants.size === 0) this.#grants.delete(node);
    }
  }
}

/** The last time at which a cleaner removes anything that must decide before `validUntil`. */
export function lastRemovalAt(validUntil: Date, activeDeadlineSeconds: number): Date {
  return new Date(validUntil.getTime() + activeDeadlineSeconds * 1_000 + lastRemovalMs);
}

function digestsOf(ids: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...ids].map(digestOf));
}

/** CRI-O omits the algorithm in IDs. */
function digestOf(id: string): string {
  return id.replace('sha256:', '');
}

/** With the image store of containerd, Docker Engine gives images of different platforms the same ID. */
function platformOf(node: Node | undefined): string | undefined {
  return node?.labels['kubernetes.io/arch'];
}
