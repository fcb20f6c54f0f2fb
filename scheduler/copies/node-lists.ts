/** The images that a cleaner has listed on its node. */
export interface NodeImages {
  /** The IDs of all images that are there. */
  readonly ids: ReadonlySet<string>;
  /** The IDs of those that no other rule keeps. */
  readonly candidates: ReadonlySet<string>;
  /** The used part of the disk, from 0 to 1. */
  readonly usedShare: number;
}

/** A list, with the time at which its pod was created, in milliseconds since the epoch. */
export interface NodeList extends NodeImages {
  readonly createdAt: number;
}

/** The newest list of each node, and the nodes that have listed an image. */
export class NodeLists {
  readonly #lists = new Map<string, NodeList>();
  /** The nodes by ID. Each ID is one object, because most nodes have the same images. */
  readonly #holders = new Map<string, { readonly id: string; readonly nodes: Set<string> }>();

  clear(): void {
    this.#lists.clear();
    this.#holders.clear();
  }

  get(node: string): NodeList | undefined {
    return this.#lists.get(node);
  }

  /** The nodes that have listed an image. */
  holdersOf(id: string): readonly string[] {
    return [...(this.#holders.get(id)?.nodes ?? [])];
  }

  set(node: string, { ids, candidates, ...list }: NodeList): void {
    this.#delete(node);
    const known = new Set([...ids].map((id) => this.#note(id, node)));
    // Those that may go are a part of all.
    const mayGo = new Set([...candidates].map((id) => this.#holders.get(id)?.id ?? id));
    this.#lists.set(node, { ...list, ids: known, candidates: mayGo });
  }

  /** Forgets the lists of pods that were created before a time. */
  forgetBefore(time: number): void {
    for (const [node, { createdAt }] of this.#lists) if (createdAt < time) this.#delete(node);
  }

  #note(id: string, node: string): string {
    const holder = this.#holders.get(id) ?? { id, nodes: new Set() };
    holder.nodes.add(node);
    this.#holders.set(id, holder);
    return holder.id;
  }

  #delete(node: string): void {
    for (const id of this.#lists.get(node)?.ids ?? []) {
      const holder = this.#holders.get(id);
      holder?.nodes.delete(node);
      if (holder?.nodes.size === 0) this.#holders.delete(id);
    }
    this.#lists.delete(node);
  }
}
