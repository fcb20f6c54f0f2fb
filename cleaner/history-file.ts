import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Clock } from './clock.ts';
import { type History, mergeHistories } from './history.ts';

export type LoadedHistory =
  | { readonly kind: 'Found'; readonly history: History }
  | { readonly kind: 'Missing' }
  | { readonly kind: 'Discarded'; readonly reason: string };

/** More than clocks are set right by in normal operation, and less than anyone's `minAge`. */
const clockToleranceMs = 60_000;

const time = z.number().nonnegative();
const fileSchema = z.object({
  version: z.literal(1),
  startedAt: time,
  updatedAt: time,
  uptimeMs: time,
  bootId: z.string().optional(),
  images: z.record(z.string(), z.object({ firstSeen: time, lastUsed: time.exactOptional() })),
});

/** Reads the history from the state directory. One that can't be relied on is as good as none, and never an error. */
export async function loadHistory(directory: string, clock: Clock): Promise<LoadedHistory> {
  const path = pathIn(directory);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    return isMissing(error) ? { kind: 'Missing' } : { kind: 'Discarded', reason: `${path} can't be read: ${error}` };
  }
  return parseHistory(path, text, clock);
}

/**
 * Writes the history to the state directory, which is made if need be: a reader sees the old file or the new one. What
 * another cleaner wrote in the meantime is joined in.
 */
export async function saveHistory(directory: string, history: History, clock: Clock): Promise<void> {
  await mkdir(directory, { recursive: true });
  const other = await loadHistory(directory, clock);
  const merged = other.kind === 'Found' ? mergeHistories(history, other.history) : history;
  await replaceFile(pathIn(directory), formatHistory(merged, clock));
}

function pathIn(directory: string): string {
  return join(directory, 'history.json');
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function parseHistory(path: string, text: string, clock: Clock): LoadedHistory {
  const parsed = fileSchema.safeParse(parseJson(text));
  if (!parsed.success) return { kind: 'Discarded', reason: `${path} is damaged or of another version` };
  const { startedAt, images } = parsed.data;
  if (hasClockJumped(parsed.data, clock)) {
    return { kind: 'Discarded', reason: `the clock jumped since ${path} was written` };
  }
  return { kind: 'Found', history: { startedAt, images: new Map(Object.entries(images)) } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Between two starts of the node nothing tells how long it was off: then only a step back is a jump for sure. */
function hasClockJumped(written: z.output<typeof fileSchema>, { now, uptimeMs, bootId }: Clock): boolean {
  const elapsed = now - written.updatedAt;
  if (elapsed < -clockToleranceMs) return true;
  if (bootId === undefined || bootId !== written.bootId) return false;
  return Math.abs(elapsed - (uptimeMs - written.uptimeMs)) > clockToleranceMs;
}

function formatHistory({ startedAt, images }: History, { now, uptimeMs, bootId }: Clock): string {
  const file: z.input<typeof fileSchema> = {
    version: 1,
    startedAt,
    updatedAt: now,
    uptimeMs,
    ...(bootId && { bootId }),
    images: Object.fromEntries(images),
  };
  return JSON.stringify(file);
}

async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(draft, 'wx', 0o644);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
