import { isAlias, isMap, isScalar, isSeq, type Pair, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import { weightOfText, weightOfValue } from './limits.ts';

/** A problem that makes a document unusable. `offset` is its place in the text; undefined for the whole text. */
export interface Fault {
  readonly offset?: number;
  readonly message: string;
}

/** A value, and its weight with all values in it. */
interface Weighed {
  readonly value: unknown;
  readonly weight: number;
}

/** The content of a document as plain values. */
export interface Values {
  readonly value: unknown;
  readonly faults: readonly Fault[];
}

/**
 * Converts the nodes of a document to values. It converts each node once: an alias shares the value of its anchor, and
 * counts with the full weight. A key is a fault if it occurs twice in a mapping, is not a plain value, or has a special
 * meaning in JavaScript.
 */
export function valuesOf(contents: unknown, maxWeight: number): Values {
  const reader = new ValueReader(maxWeight);
  const { value } = reader.read(contents);
  return { value, faults: reader.faults };
}

class ValueReader {
  readonly faults: Fault[] = [];
  readonly #maxWeight: number;
  readonly #anchors = new Map<string, Weighed>();
  #weight = 0;

  constructor(maxWeight: number) {
    this.#maxWeight = maxWeight;
  }

  read(node: unknown): Weighed {
    if (this.#weight > this.#maxWeight) return nothing;
    const before = this.#weight;
    if (isAlias(node)) return this.#readAlias(node.source, offsetOf(node));
    const value = this.#valueOf(node);
    const weighed = { value, weight: this.#weight - before };
    if (isAnchored(node)) this.#anchors.set(node.anchor, weighed);
    return weighed;
  }

  #valueOf(node: unknown): unknown {
    if (isMap(node)) return this.#readMap(node);
    if (isSeq(node)) return this.#readSequence(node);
    const value = isScalar(node) ? node.value : null;
    this.#add(weightOfText(String(value)), node);
    return value;
  }

  /** An alias can use an anchor only after the end of the anchor's node, so that no value contains itself. */
  #readAlias(source: string, offset: number): Weighed {
    const target = this.#anchors.get(source);
    if (target === undefined) this.faults.push({ offset, message: `the alias *${source} has no anchor before it` });
    else this.#weigh(target.weight, offset);
    return target ?? nothing;
  }

  #readSequence(node: YAMLSeq): unknown[] {
    this.#add(0, node);
    return node.items.map((item) => this.read(item).value);
  }

  #readMap(node: YAMLMap): object {
    this.#add(0, node);
    const map: Record<string, unknown> = {};
    const keys = new Set<string>();
    for (const pair of node.items) {
      const key = this.#readKey(pair, keys);
      const { value } = this.read(pair.value);
      if (key !== undefined) map[key] = value;
    }
    return map;
  }

  /** The key as text; undefined if it can't be used. */
  #readKey({ key }: Pair, known: Set<string>): string | undefined {
    const offset = offsetOf(key);
    if (!isScalar(key)) return this.#refuse(offset, 'a key must be a plain value, not a collection or an alias');
    const text = keyText(key);
    this.#weigh(weightOfText(text), offset);
    if (isAnchored(key)) this.#anchors.set(key.anchor, { value: key.value, weight: weightOfText(text) });
    if (text === '__proto__') return this.#refuse(offset, 'the key __proto__ is not allowed');
    if (known.has(text)) return this.#refuse(offset, 'Map keys must be unique');
    known.add(text);
    return text;
  }

  #refuse(offset: number, message: string): undefined {
    this.faults.push({ offset, message });
  }

  #add(weight: number, node: unknown): void {
    this.#weigh(weight + weightOfValue, offsetOf(node));
  }

  #weigh(weight: number, offset: number): void {
    const wasWithin = this.#weight <= this.#maxWeight;
    this.#weight += weight;
    if (wasWithin && this.#weight > this.#maxWeight) {
      const message = `the document is too large: with its aliases resolved, it has more than ${this.#maxWeight} bytes at this place`;
      this.faults.push({ offset, message });
    }
  }
}

const nothing: Weighed = { value: undefined, weight: 0 };

/** The key as in a JavaScript object: `1` and `"1"` are the same key. */
export function keyText({ value }: Scalar): string {
  return value === null ? '' : String(value);
}

function isAnchored(node: unknown): node is { readonly anchor: string } {
  return (isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined;
}

function offsetOf(node: unknown): number {
  if (isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)) return node.range?.[0] ?? 0;
  return 0;
}
