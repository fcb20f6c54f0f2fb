import { isAlias, isMap, isScalar, isSeq, type Pair, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import { weightOfText, weightOfValue } from './limits.ts';

/** Something that makes a document unusable, and its offset in the text where it has a place. */
export interface Fault {
  readonly offset?: number;
  readonly message: string;
}

/** A value and its weight, with all that is in it. */
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
 * Turns the nodes of a document into values, each node once: what an alias stands for is shared, and counted with its full
 * weight. Keys that occur twice in a mapping, that are no plain text, or that mean something to JavaScript are faults.
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

  /** An anchor is known from the end of its node on, so that nothing contains itself. */
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

  /** The key as text; undefined where it can't be used. */
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
      const message = `the document is too large: with its aliases resolved, more than ${this.#maxWeight} bytes are reached here`;
      this.faults.push({ offset, message });
    }
  }
}

const nothing: Weighed = { value: undefined, weight: 0 };

/** As a JavaScript object has it: `1` and `"1"` are one key. */
function keyText({ value }: Scalar): string {
  return value === null ? '' : String(value);
}

function isAnchored(node: unknown): node is { readonly anchor: string } {
  return (isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined;
}

function offsetOf(node: unknown): number {
  if (isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)) return node.range?.[0] ?? 0;
  return 0;
}
