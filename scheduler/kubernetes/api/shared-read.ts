import { inFlow } from '../../flow.ts';

/**
 * Shares one large read among all callers. Only one read is active at a time. All callers that call during a read get
 * the result of the next one. So a result is never older than the call, and memory holds only one.
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

  /** Starts a read. It belongs to no flow, because it is for all callers. */
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
