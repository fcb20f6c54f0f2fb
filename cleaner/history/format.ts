import * as z from 'zod';
import { type Clock, isSteady, unaccountedMs } from './clock.ts';
import { type History, type ImageRecord, lastActive, shiftHistory } from './history.ts';

/** Maximum size of the file. No node has nearly as many images as fit into it. */
export const maxHistoryBytes = 4 * 1024 * 1024;
const maxRecords = 20_000;
/** A time more than a century ago is impossible. */
const maxAgeMs = 100 * 366 * 24 * 60 * 60 * 1_000;
/** https://tc39.es/ecma262/#sec-time-values-and-time-range */
const maxTime = 8.64e15;

/** May be before 1970, because a clock may have been wrong. */
const time = z.number().min(-maxTime).max(maxTime);
const fileSchema = z.object({
  version: z.literal(1),
  startedAt: time,
  /** The moment of the latest look in the file; the next two fields belong to it. */
  updatedAt: time,
  uptimeMs: z.number().nonnegative().max(maxTime),
  bootId: z.string().exactOptional(),
  images: z.custom<Readonly<Record<string, unknown>>>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  ),
});
const recordSchema = z.object({ firstSeen: time, lastUsed: time.exactOptional() });

/** The content of a file. */
export type ParsedHistory = {
  readonly history: History;
  /** The number of impossible records. They are ignored, so that their images count as just seen. */
  readonly oddRecords: number;
};

/**
 * Reads the text of {@link formatHistory}; undefined if it is damaged or of another version. Only time during which the node
 * is known to be up makes images older, whatever happened to its clock. The clock must be read after the file.
 */
export function parseHistory(text: string, clock: Clock): ParsedHistory | undefined {
  const file = fileSchema.safeParse(parseJson(text)).data;
  if (file === undefined || isTooOld(file.startedAt, file.updatedAt)) return undefined;
  const { startedAt, updatedAt, images, ...uptime } = file;
  const lookedAt: Clock = { ...uptime, now: updatedAt };
  const records = parseRecords(images, updatedAt);
  const history = { startedAt, lookedAt: updatedAt, isClockSteady: isSteady(lookedAt, clock), images: records };
  return {
    history: shiftHistory(history, unaccountedMs(lookedAt, clock), clock.now),
    oddRecords: Object.keys(images).length - records.size,
  };
}

/** Formats a history whose times belong to this clock. */
export function formatHistory({ startedAt, lookedAt, images }: History, clock: Clock): string {
  const sinceMs = clock.now - lookedAt;
  const agoMs = sinceMs >= 0 && sinceMs <= clock.uptimeMs ? sinceMs : 0;
  const file: z.input<typeof fileSchema> = {
    version: 1,
    startedAt,
    updatedAt: clock.now - agoMs,
    uptimeMs: clock.uptimeMs - agoMs,
    ...(clock.bootId && { bootId: clock.bootId }),
    images: Object.fromEntries(selectRecords(images)),
  };
  return JSON.stringify(file);
}

function parseRecords(images: Readonly<Record<string, unknown>>, updatedAt: number): Map<string, ImageRecord> {
  const records = new Map<string, ImageRecord>();
  for (const [id, value] of Object.entries(images)) {
    const record = recordSchema.safeParse(value).data;
    if (record !== undefined && !isOdd(record, updatedAt)) records.set(id, record);
  }
  return records;
}

function isOdd({ firstSeen, lastUsed = firstSeen }: ImageRecord, updatedAt: number): boolean {
  return [firstSeen, lastUsed].some((time) => time !== 0 && isTooOld(time, updatedAt));
}

function isTooOld(time: number, updatedAt: number): boolean {
  return updatedAt - time > maxAgeMs;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Keeps the records of the least recently used images: an image without a record counts as new in the next run. */
function selectRecords(images: History['images']): History['images'] {
  if (images.size <= maxRecords) return images;
  return new Map([...images].toSorted(([, a], [, b]) => lastActive(a) - lastActive(b)).slice(0, maxRecords));
}
