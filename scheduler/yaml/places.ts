import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { yamlOptions } from './read.ts';
import { offsetsOfScalar, type ScalarOffsets } from './scalar-offsets.ts';
import { keyText } from './values.ts';

/** A text inside of a YAML text, such as a document in a ConfigMap. */
export interface EmbeddedText {
  readonly text: string;
  /** The offset in the YAML text of an offset in this text. */
  readonly offsetOf: ScalarOffsets;
}

/**
 * The places of the values in a YAML text without problems. An alias leads to the value of its anchor, where the user wrote it.
 * It takes time proportional to the length of the text, and then to the keys of a question.
 */
export class YamlPlaces {
  readonly #text: string;
  readonly #documents: readonly Document[];
  readonly #targets = new Map<unknown, unknown>();
  readonly #pairs = new Map<YAMLMap, ReadonlyMap<string, Pair>>();

  constructor(text: string) {
    this.#text = text;
    const documents = parseAllDocuments(text, yamlOptions);
    this.#documents = Array.isArray(documents) ? documents : [];
    for (const { contents } of this.#documents) this.#linkAliases(contents, new Map());
  }

  /** The offset of a field's key, or of an item. For a field that is not there, that of the nearest value around it. */
  offsetOf(keys: readonly PropertyKey[], document = 0): number {
    return this.#find(keys, document).offset;
  }

  /** The text of a scalar; undefined if there is none. */
  textAt(keys: readonly PropertyKey[], document = 0): EmbeddedText | undefined {
    const { node, isComplete } = this.#find(keys, document);
    if (!isComplete || !isScalar(node) || typeof node.value !== 'string') return undefined;
    return { text: node.value, offsetOf: offsetsOfScalar(this.#text, node as Scalar<string>) };
  }

  #find(keys: readonly PropertyKey[], document: number) {
    let node = this.#resolve(this.#documents[document]?.contents);
    let offset = startOf(node) ?? 0;
    for (const key of keys) {
      const found = this.#step(node, key);
      if (found === undefined) return { node, offset, isComplete: false };
      offset = startOf(found.place) ?? offset;
      node = this.#resolve(found.value);
    }
    return { node, offset, isComplete: true };
  }

  /** The node that shows the place of a value, and the value. */
  #step(node: unknown, key: PropertyKey): { readonly place: unknown; readonly value: unknown } | undefined {
    if (isSeq(node) && typeof key === 'number') {
      const item = node.items[key];
      return item === undefined ? undefined : { place: this.#resolve(item), value: item };
    }
    const pair = isMap(node) ? this.#pairsOf(node).get(String(key)) : undefined;
    return pair && { place: pair.key, value: pair.value };
  }

  #pairsOf(map: YAMLMap): ReadonlyMap<string, Pair> {
    const known = this.#pairs.get(map);
    if (known !== undefined) return known;
    const pairs = new Map(map.items.flatMap((pair) => (isScalar(pair.key) ? [[keyText(pair.key), pair]] : [])));
    this.#pairs.set(map, pairs);
    return pairs;
  }

  #resolve(node: unknown): unknown {
    return isAlias(node) ? this.#targets.get(node) : node;
  }

  /** Finds the node of each alias: the last one before it with its anchor. */
  #linkAliases(node: unknown, anchors: Map<string, unknown>): void {
    if (isAlias(node)) this.#targets.set(node, anchors.get(node.source));
    if (isSeq(node)) for (const item of node.items) this.#linkAliases(item, anchors);
    if (isMap(node)) {
      for (const { key, value } of node.items) {
        this.#linkAliases(key, anchors);
        this.#linkAliases(value, anchors);
      }
    }
    if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined) anchors.set(node.anchor, node);
  }
}

function startOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) ? node.range?.[0] : undefined;
}
