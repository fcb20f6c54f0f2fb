import * as z from 'zod';
import { type Clock, isSteady, unaccountedMs } from './clock.ts';
import { type History, type ImageRecord, lastActive, shiftHistory } from './history.ts';

/** The file is never larger than this: no node has nearly as many images as fit in. */
export const maxHistoryBytes = 4 * 1024 * 1024;
const maxRecords = 20_000;
/** No node was ever up for a century: a time from before can't be right. */
const maxAgeMs = 100 * 366 * 24 * 60 * 60 * 1_000;
/** https://tc39.es/ecma262/#sec-time-values-and-time-range */
const maxTime = 8.64e15;

/** May be before 1970: a clock that was set wrong has been there too. */
const time = z.number().min(-maxTime).max(maxTime);
const fileSchema = z.object({
  version: z.literal(1),
  startedAt: time,
  /** The latest moment of which the file tells which images there were; so are the next two. */
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
  /** The number of records that can't be right. They are left out, so that their images count as just seen. */
  readonly oddRecords: number;
};

/**
 * Reads what {@link formatHistory} wrote; undefined where it is damaged or of another version. Time counts while the node is
 * known to be up: whatever happened to its clock, and however long it was off, every image is so much older as it was up.
 * The clock must be read after the file was.
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

/** Writes a history down whose times are those of this clock. */
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

/** An image without a record counts as new in the next run: that is nearest to the truth for the most recently active. */
function selectRecords(images: History['images']): History['images'] {
  if (images.size <= maxRecords) return images;
  return new Map([...images].toSorted(([, a], [, b]) => lastActive(a) - lastActive(b)).slice(0, maxRecords));
}
