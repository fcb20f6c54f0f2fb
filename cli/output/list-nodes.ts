/** Writes names of nodes for a sentence: all of a few, or the first and the number of the others. */
export function listNodes(nodes: readonly string[], count: number): string {
  const [first] = nodes;
  if (first === undefined) return `${count} nodes`;
  if (count <= maxNames && count === nodes.length) return nodes.join(', ');
  return `${first} and ${count - 1} more`;
}

/** Lists up to this length are written in full. */
const maxNames = 5;

export function countNodes(count: number): string {
  return count === 1 ? '1 node' : `${count} nodes`;
}
