/** One change of an object of the API server; without a value it was deleted. */
export interface Change<T> {
  readonly key: string;
  readonly uid: string;
  readonly version: number;
  readonly value: T | undefined;
}

/** All that the API server has of one kind: the objects as they are, and every change so far, as its watches tell them. */
export class Table<T> {
  readonly entries = new Map<string, Change<T> & { readonly value: T }>();
  readonly changes: Change<T>[] = [];

  put(key: string, uid: string, version: number, value: T): Change<T> {
    const change = { key, uid, version, value };
    this.entries.set(key, change);
    this.changes.push(change);
    return change;
  }

  drop(key: string, version: number): boolean {
    const entry = this.entries.get(key);
    if (entry === undefined) return false;
    this.entries.delete(key);
    this.changes.push({ ...entry, version, value: undefined });
    return true;
  }
}

/** The way in which a watch that was late catches up. */
export type CatchUp = 'Resumed' | 'Repeated' | 'Reordered' | 'Relisted';

/** All that one process knows of a table: late where its watch is, but never behind what it has read or written itself. */
export class View<T> {
  readonly entries = new Map<string, Change<T> & { readonly value: T }>();
  readonly #table: Table<T>;
  #seen: number;

  constructor(table: Table<T>) {
    this.#table = table;
    this.#seen = table.changes.length;
    for (const [key, entry] of table.entries) this.entries.set(key, entry);
  }

  get isBehind(): boolean {
    return this.#seen < this.#table.changes.length;
  }

  catchUp(how: CatchUp): void {
    const missed = this.#table.changes.slice(this.#seen);
    const repeated = this.#table.changes.slice(Math.max(0, this.#seen - 3), this.#seen);
    this.#seen = this.#table.changes.length;
    if (how === 'Resumed') this.#hear(missed);
    if (how === 'Repeated') this.#hear([...repeated, ...missed, ...missed]);
    if (how === 'Reordered') this.#hear(byObject(missed));
    if (how === 'Relisted') this.#relist();
  }

  /** Takes over what was read or written; the newest version of an object wins. */
  apply(change: Change<T>): void {
    const known = this.entries.get(change.key);
    if (known !== undefined && known.uid === change.uid && known.version >= change.version) return;
    if (change.value !== undefined) this.entries.set(change.key, { ...change, value: change.value });
  }

  forget(key: string): void {
    this.entries.delete(key);
  }

  amend(key: string, change: (value: T) => T): void {
    const entry = this.entries.get(key);
    if (entry !== undefined) this.entries.set(key, { ...entry, value: change(entry.value) });
  }

  #hear(changes: readonly Change<T>[]): void {
    for (const change of changes) {
      if (change.value !== undefined) this.apply(change);
      else if (this.entries.get(change.key)?.uid === change.uid) this.entries.delete(change.key);
    }
  }

  #relist(): void {
    for (const key of this.entries.keys()) if (!this.#table.entries.has(key)) this.entries.delete(key);
    for (const entry of this.#table.entries.values()) this.apply(entry);
  }
}

/** The changes with those of each object in their order, but the objects in the opposite one. */
function byObject<T>(changes: readonly Change<T>[]): Change<T>[] {
  const keys = [...new Set(changes.map(({ key }) => key))].reverse();
  return keys.flatMap((key) => changes.filter((change) => change.key === key));
}
