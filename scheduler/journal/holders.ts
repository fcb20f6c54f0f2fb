/** The runs whose held pods this process has seen, by node. */
export class Holders {
  readonly #runs = new Map<string, string>();

  /** Stores that a run holds a pod on a node. */
  note(node: string, run: string): void {
    this.#runs.set(node, run);
  }

  /** The last run that was seen to hold a pod on the node; undefined if none was. */
  runOn(node: string): string | undefined {
    return this.#runs.get(node);
  }

  /** Forgets the nodes that are gone. */
  retain(nodes: ReadonlySet<string>): void {
    for (const node of this.#runs.keys()) if (!nodes.has(node)) this.#runs.delete(node);
  }
}
