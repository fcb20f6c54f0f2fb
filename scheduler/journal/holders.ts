/** The runs whose held pods this process has seen, by node. */
export class Holders {
  readonly #runs = new Map<string, string>();
  readonly #emptied = new Map<string, string>();

  /** Stores that a run holds a pod on a node. */
  note(node: string, run: string): void {
    this.#runs.set(node, run);
  }

  /**
   * Stores that a node is under disk pressure. Its kubelet removes ended containers and then unused images, so the pod that
   * is held there may hold nothing any more.
   */
  noteDiskPressure(node: string): void {
    const run = this.#runs.get(node);
    if (run !== undefined) this.#emptied.set(node, run);
  }

  /** The last run that was seen to hold a pod on the node; undefined if none was. */
  runOn(node: string): string | undefined {
    return this.#runs.get(node);
  }

  /** True if the node was seen under disk pressure while the run held a pod there. */
  isEmptied(node: string, run: string): boolean {
    return this.#emptied.get(node) === run;
  }

  /** Forgets the nodes that are gone. */
  retain(nodes: ReadonlySet<string>): void {
    for (const known of [this.#runs, this.#emptied])
      for (const node of known.keys()) if (!nodes.has(node)) known.delete(node);
  }
}
