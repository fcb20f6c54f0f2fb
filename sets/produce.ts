import { messageOf } from '../contract/errors.ts';
import { parseImageSet, type SetEntry } from '../contract/images/image-set.ts';
import { formatSet, normaliseEntries } from './content.ts';
import { packMemory, unpackMemory } from './memory.ts';
import type { SetBefore, SetContent, SetSource } from './source.ts';
import type { SetStore, StoredSet } from './store.ts';

/** The source could not be read completely. Nothing was written. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
}

/** Somebody else has written the set during each attempt. */
export class BusySetError extends Error {
  override readonly name = 'BusySetError';
}

/** The result of a producer, and the numbers of images in the set, new in it, and no longer in it. */
export interface Produced {
  readonly outcome: 'Written' | 'Unchanged';
  readonly images: number;
  readonly added: number;
  readonly removed: number;
  /** The words of the source for the end of the line about the result. */
  readonly note?: string;
}

export interface ProduceOptions {
  /** Aborts the look at the source. A write that has begun is finished. */
  readonly signal: AbortSignal;
  readonly readClock: () => Date;
}

const maxAttempts = 5;

/**
 * Brings an image set up to date: reads it, reads the source, and writes the new content in one write. If somebody else has
 * written the set meanwhile, it begins again. Rejects with a {@link SourceError} if the source could not be read completely, and
 * with other errors if the set can't be written.
 */
export async function produce(source: SetSource, store: SetStore, options: ProduceOptions): Promise<Produced> {
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const produced = await produceOnce(source, store, options);
    if (produced !== 'Conflict') return produced;
  }
  throw new BusySetError(
    `${store.description} was changed by somebody else during each of ${maxAttempts} attempts: make sure that one producer alone writes it`,
  );
}

async function produceOnce(
  source: SetSource,
  store: SetStore,
  options: ProduceOptions,
): Promise<Produced | 'Conflict'> {
  const stored = await store.read();
  const before = readBefore(stored);
  const lookedAt = options.readClock();
  const content = await look(source, before, options.signal);
  const entries = normaliseEntries(content.entries);
  // Everything that can be refused is refused before the first write.
  const text = formatSet(source.description, entries);
  const memory = content.memory && packMemory(content.memory);
  if ((await store.writeText(text, lookedAt)) === 'Conflict') return 'Conflict';
  // The memory comes second: a source that looks again with an old memory finds the same changes again.
  if (memory !== undefined && !isSame(memory, stored.memory) && (await store.writeMemory(memory)) === 'Conflict')
    return 'Conflict';
  return {
    outcome: text === stored.text ? 'Unchanged' : 'Written',
    ...countChanges(before.entries, entries),
    ...(content.note !== undefined && { note: content.note }),
  };
}

function countChanges(
  before: readonly SetEntry[],
  entries: readonly SetEntry[],
): Pick<Produced, 'images' | 'added' | 'removed'> {
  const images = new Set(entries.map(({ image }) => image));
  const imagesBefore = new Set(before.map(({ image }) => image));
  return {
    images: images.size,
    added: images.difference(imagesBefore).size,
    removed: imagesBefore.difference(images).size,
  };
}

function readBefore({ text, memory, memoryAdvice = '' }: StoredSet): SetBefore {
  const entries = parseImageSet(text ?? '').entries;
  return { entries, memory: memory && unpackMemory(memory, memoryAdvice), memoryAdvice };
}

/** Reads the source, and waits for it no longer than until the signal aborts. */
async function look(source: SetSource, before: SetBefore, signal: AbortSignal): Promise<SetContent> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    const content = await Promise.race([source.read(before, signal), aborted.promise]);
    signal.throwIfAborted();
    return content;
  } catch (cause) {
    // A source that is aborted may fail with any error.
    const reason = messageOf(signal.aborted ? signal.reason : cause);
    throw new SourceError(`nothing is written from ${source.description}: ${reason}`, { cause });
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function isSame(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && Buffer.compare(one, other) === 0;
}
