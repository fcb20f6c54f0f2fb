import type { CST } from 'yaml';

/** The offset of the first collection that is deeper in a document than `maxDepth`; undefined if there is none. */
export function offsetBelow(document: CST.Document, maxDepth: number): number | undefined {
  let level: (CST.Token | null | undefined)[] = [document.value];
  for (let depth = 0; level.length > 0; depth += 1) {
    const collections = level.filter(isCollection);
    const [first] = collections;
    if (first !== undefined && depth >= maxDepth) return first.offset;
    level = collections.flatMap(childrenOf);
  }
  return undefined;
}

type Collection = CST.BlockMap | CST.BlockSequence | CST.FlowCollection;

function isCollection(token: CST.Token | null | undefined): token is Collection {
  return token?.type === 'block-map' || token?.type === 'block-seq' || token?.type === 'flow-collection';
}

function childrenOf({ items }: Collection): (CST.Token | null | undefined)[] {
  const children: (CST.Token | null | undefined)[] = [];
  for (const { key, value } of items) children.push(key, value);
  return children;
}
