import type { V1ConfigMap, V1ObjectMeta } from '@kubernetes/client-node';
import { annotation } from '../../contract/labels.ts';
import { inTurns } from '../in-turns.ts';
import { countLines, textsOf } from '../sets/count-lines.ts';
import { type ImageSet, timeOfSet } from '../sets/image-set.ts';
import { Collection } from './api/collection.ts';
import { instantOf } from './instant.ts';

/** A ConfigMap without its data, and what was found in it. */
interface ReadMap {
  readonly metadata?: V1ObjectMeta;
  readonly set?: ImageSet;
}

/**
 * The image sets of a namespace. The texts of a version are read once, step by step, and are not kept: a namespace may have many
 * large sets.
 */
export class ImageSetCollection {
  readonly #sets: Collection<ReadMap, ImageSet>;
  /** The versions that were read, by name. */
  readonly #read = new Map<string, string>();

  constructor(onChange: () => void) {
    this.#sets = new Collection(({ set }) => set, onChange);
  }

  /** All sets; the same array until one of them changes. */
  values(): readonly ImageSet[] {
    return this.#sets.values();
  }

  /** Adds a set. Resolves when its lines are counted. The caller waits before it applies another one. */
  async apply(object: V1ConfigMap, listVersion?: bigint): Promise<void> {
    const { metadata = {} } = object;
    const { name = '' } = metadata;
    const known = this.#read.get(name) === versionOf(metadata) ? this.#sets.get(name) : undefined;
    this.#sets.apply({ metadata, set: known ?? (await readImageSet(object)) }, listVersion);
    this.#read.set(name, versionOf(metadata));
  }

  remove({ metadata = {} }: V1ConfigMap): void {
    this.#sets.remove({ metadata });
  }

  /** Makes every known set older than any other. After a restore, the same version may have another content. */
  distrust(): void {
    this.#read.clear();
    this.#sets.distrust();
  }

  retain(names: ReadonlySet<string>, listVersion: bigint): void {
    this.#sets.retain(names, listVersion);
  }
}

/** Reads a ConfigMap as an image set. */
export async function readImageSet({ metadata, data = {}, binaryData = {} }: V1ConfigMap): Promise<ImageSet> {
  const { name = '' } = metadata ?? {};
  const content = await inTurns(countLines(textsOf(data, binaryData)));
  return { name, version: versionOf(metadata), ...setTime(metadata), content };
}

/** The time of a set; see {@link timeOfSet}. */
export function setTime({
  annotations,
  managedFields = [],
  creationTimestamp,
}: V1ObjectMeta = {}): Pick<ImageSet, 'updatedAt'> {
  const times = managedFields.flatMap(({ time }) => (time === undefined ? [] : [instantOf(time).getTime()]));
  const created = creationTimestamp && instantOf(creationTimestamp);
  const changedAt = times.length === 0 ? created : new Date(Math.max(...times));
  return { updatedAt: timeOfSet(annotations?.[annotation.setUpdatedAt], changedAt) };
}

function versionOf({ uid = '', resourceVersion = '' }: V1ObjectMeta = {}): string {
  return `${uid}/${resourceVersion}`;
}
