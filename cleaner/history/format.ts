import * as z from 'zod';
import { type Clock, isSteady, unaccountedMs } from './clock.ts';
import { type History, lastActive, shiftHistory } from './history.ts';

/** What is written is never larger than this: no node has nearly as many images as fit in. */
export const maxHistoryBytes = 4 * 1024 * 1024;
const maxRecords = 20_000;

/** May be before 1970: a clock that was set wrong has been there too. */
const time = z.number();
const fileSchema = z.object({
  version: z.literal(1),
  startedAt: time,
  updatedAt: time,
  uptimeMs: time.nonnegative(),
  bootId: z.string().exactOptional(),
  images: z.record(z.string(), z.object({ firstSeen: time, lastUsed: time.exactOptional() })),
});

/**
 * Reads what {@link formatHistory} wrote; undefined where it is damaged or of another version. Time counts while the node is
 * known to be up: whatever happened to its clock, and however long it was off, every image is so much older as it was up.
 */
export function parseHistory(text: string, clock: Clock): History | undefined {
  const file = fileSchema.safeParse(parseJson(text)).data;
  if (file === undefined) return undefined;
  const { startedAt, updatedAt, images, ...uptime } = file;
  const writtenAt: Clock = { ...uptime, now: updatedAt };
  const history = { startedAt, isClockSteady: isSteady(writtenAt, clock), images: new Map(Object.entries(images)) };
  return shiftHistory(history, unaccountedMs(writtenAt, clock), clock.now);
}

export function formatHistory({ startedAt, images }: History, { now, uptimeMs, bootId }: Clock): string {
  const file: z.input<typeof fileSchema> = {
    version: 1,
    startedAt,
    updatedAt: now,
    uptimeMs,
    ...(bootId && { bootId }),
    images: Object.fromEntries(selectRecords(images)),
  };
  return JSON.stringify(file);
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
