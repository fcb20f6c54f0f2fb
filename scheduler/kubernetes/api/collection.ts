import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '@kubernetes/client-node';

interface Entry<D> {
  readonly uid: string;
  readonly resourceVersion: bigint;
  /** Undefined for an object that does not belong to nodesweep, or can't be read. */
  readonly value: D | undefined;
}

/**
 * The objects of one kind by name, with the values that `translate` returns for them. Objects come from lists, from watches,
 * and from the writes of this process, in any order. The newest version wins.
 */
export class Collection<T extends KubernetesObject, D> {
  readonly #entries = new Map<string, Entry<D>>();
  readonly #translate: (object: T, known: D | undefined) => D | undefined;
  readonly #onChange: () => void;
  readonly #onGone: ((value: D) => void) | undefined;
  #values: readonly D[] | undefined;

  /**
   * `translate` also gets what is known of the version before. `onChange` is called for what makes a difference to those who
   * read the values, not for every new version. `onGone` gets the last value of each object that is removed.
   */
  constructor(
    translate: (object: T, known: D | undefined) => D | undefined,
    onChange: () => void,
    onGone?: (value: D) => void,
  ) {
    this.#translate = translate;
    this.#onChange = onChange;
    this.#onGone = onGone;
  }

  /** All values; the same array until one of them changes. */
  values(): readonly D[] {
    this.#values ??= [...this.#entries.values()].flatMap(({ value }) => (value === undefined ? [] : [value]));
    return this.#values;
  }

  get(name: string): D | undefined {
    return this.#entries.get(name)?.value;
  }

  /**
   * Adds an object that was read, watched or written. An object from a complete list replaces everything that is known up to
   * the version of the list, because the store of the API server may have been restored from a backup.
   */
  apply(object: T, listVersion?: bigint): void {
    const { name = '', uid = '' } = object.metadata ?? {};
    const resourceVersion = versionOf(object);
    const known = this.#entries.get(name);
    if (known?.uid === uid && isAsNew(known, resourceVersion, listVersion)) return;
    const value = this.#translate(object, known?.uid === uid ? known.value : undefined);
    const isSame = known?.uid === uid && isDeepStrictEqual(known.value, value);
    // Keeps an equal value, so that results derived from it stay valid.
    this.#entries.set(name, { uid, resourceVersion, value: isSame ? known.value : value });
    if (!isSame) this.#noteChange();
  }

  /** Changes the value of an object until its next version arrives. */
  amend(name: string, change: (value: D) => D): void {
    const entry = this.#entries.get(name);
    if (entry?.value === undefined) return;
    this.#entries.set(name, { ...entry, value: change(entry.value) });
    this.#values = undefined;
  }

  /** Removes a deleted object, but not another one of the same name. `object` is its last version, perhaps a new one. */
  remove(object: T): void {
    const { name = '', uid } = object.metadata ?? {};
    const known = this.#entries.get(name);
    if (known !== undefined && known.uid !== uid) return;
    if (this.#onGone !== undefined) this.apply(object);
    this.forget(name);
  }

  /** Removes an object by its name. */
  forget(name: string): void {
    const known = this.#entries.get(name);
    if (known === undefined) return;
    this.#entries.delete(name);
    if (known.value !== undefined) this.#onGone?.(known.value);
    this.#noteChange();
  }

  /** Makes every known object older than any other, because the versions have gone back. */
  distrust(): void {
    for (const [name, entry] of this.#entries) this.#entries.set(name, { ...entry, resourceVersion: -1n });
  }

  /** Removes objects that are missing in a complete list of a version, but not objects that were written later. */
  retain(names: ReadonlySet<string>, listVersion: bigint): void {
    for (const [name, { resourceVersion }] of this.#entries) {
      if (!names.has(name) && resourceVersion <= listVersion) this.forget(name);
    }
  }

  #noteChange(): void {
    this.#values = undefined;
    this.#onChange();
  }
}

function isAsNew(known: Entry<unknown>, version: bigint, listVersion: bigint | undefined): boolean {
  if (known.resourceVersion === version) return true;
  const isOutdated = listVersion !== undefined && known.resourceVersion <= listVersion;
  return !isOutdated && known.resourceVersion > version;
}

/** Compares versions of one kind: a later version is a larger number. */
function versionOf(object: KubernetesObject): bigint {
  return BigInt(object.metadata?.resourceVersion ?? 0);
}
