import prettyMilliseconds from 'pretty-ms';
import * as z from 'zod';

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const durationRule = 'must be a whole number with a unit, like 90s, 2m, 24h or 7d';

/** A duration as policies write it (`90s`, `2m`, `24h`, `7d`), parsed to milliseconds. */
export const durationSchema = z
  .string({ error: ({ input }) => (typeof input === 'number' ? describeDuration(String(input)) : undefined) })
  .regex(/^\d{1,9}[smhd]$/, { error: ({ input }) => describeDuration(String(input)) })
  .transform((text) => Number(text.slice(0, -1)) * (unitMs[text.slice(-1)] ?? Number.NaN));

/** The rule for durations, and the duration that a wrong text probably means. */
function describeDuration(text: string): string {
  const [, digits, unit] = /^(\d{1,9})\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  if (digits === undefined || unit === undefined) return durationRule;
  if (unit === '') return `${durationRule}; write ${digits}d for days, ${digits}h for hours, ${digits}m or ${digits}s`;
  const known = unitNames.find(([names]) => names.test(unit));
  if (known === undefined) return durationRule;
  const [, letter, factor = 1] = known;
  return `${durationRule}; write ${Number(digits) * factor}${letter}`;
}

/** The names of units that people write, the letter of each, and the number of these units in one. `M` may be a month. */
const unitNames: readonly (readonly [names: RegExp, letter: string, factor?: number])[] = [
  [/^(?:s|secs?|seconds?)$/i, 's'],
  [/^(?:m|[Mm]ins?|[Mm]inutes?)$/, 'm'],
  [/^(?:h|hrs?|hours?)$/i, 'h'],
  [/^(?:d|days?)$/i, 'd'],
  [/^(?:w|weeks?)$/i, 'd', 7],
];

/** Writes a duration in milliseconds for people, in its two largest units: `3d 4h`, `2m`, `45s`. */
export function formatDuration(ms: number): string {
  if (ms <= 0) return '0s';
  return prettyMilliseconds(ms, { unitCount: 2, secondsDecimalDigits: 0 });
}
