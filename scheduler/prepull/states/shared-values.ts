/**
 * Values that were read before, by the text that they were read from, so that equal ones are one object: most of a thousand
 * nodes have the same images. It forgets all when it is full, so it takes no memory for long.
 */
export class SharedValues<Value> {
  readonly #values = new Map<string, Value>();
  readonly #maxSize: number;

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** The value of a text. `read` makes it if the text is new. */
  get(text: string, read: () => Value): Value {
    const known = this.#values.get(text);
    if (known !== undefined) return known;
    if (this.#values.size >= this.#maxSize) this.#values.clear();
    const value = read();
    this.#values.set(text, value);
    return value;
  }
}
