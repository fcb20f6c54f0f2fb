import prettyMilliseconds from 'pretty-ms';
import * as z from 'zod';

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration as policies write it (`90s`, `2m`, `24h`, `7d`), parsed to milliseconds. */
export const durationSchema = z
  .string()
  .regex(/^\d{1,9}[smhd]$/, 'must be a whole number with a unit, like 90s, 2m, 24h or 7d')
  .transform((text) => Number(text.slice(0, -1)) * (unitMs[text.slice(-1)] ?? Number.NaN));

/** Writes a duration in milliseconds for people, in its two largest units: `3d 4h`, `2m`, `45s`. */
export function formatDuration(ms: number): string {
  return prettyMilliseconds(Math.max(0, ms), { unitCount: 2, secondsDecimalDigits: 0 });
}
