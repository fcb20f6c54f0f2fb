/** A line that wraps could not be erased. */
const minColumns = 80;

/** Lines that stay, and on a terminal one below them that changes in place. */
export class Screen {
  readonly #out: NodeJS.WriteStream;
  #live = '';

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  print(...lines: readonly string[]): void {
    this.#erase();
    for (const line of lines) this.#out.write(`${line}\n`);
    this.#out.write(this.#live);
  }

  /** Replaces the line that changes; without a terminal, or on a narrow one, there is none. */
  setLive(text: string): void {
    if (!this.#out.isTTY || this.#out.columns < minColumns) return;
    this.#erase();
    this.#live = text;
    this.#out.write(text);
  }

  #erase(): void {
    if (this.#live !== '') this.#out.write('\r\u001b[K');
  }
}
