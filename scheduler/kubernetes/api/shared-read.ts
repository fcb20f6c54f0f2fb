import { inFlow } from '../../flow.ts';

/**
 * Reads something large for all who ask, one read at a time: whoever asks while one is under way gets the answer of the next
 * one, together with all others who wait. So an answer is never older than its question, and memory holds but one.
 */
export class SharedRead<T> {
  readonly #read: () => Promise<T>;
  #current: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(read: () => Promise<T>) {
    this.#read = read;
  }

  read(): Promise<T> {
    if (this.#current === undefined) return this.#begin();
    this.#next ??= this.#current.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  /** It is for all, and takes its turns beside those of each. */
  #begin(): Promise<T> {
    this.#next = undefined;
    const current = inFlow('', () => this.#read());
    this.#current = current;
    const end = () => {
      if (this.#current === current) this.#current = undefined;
    };
    current.then(end, end);
    return current;
  }
}
