import { InvalidArgumentError } from 'commander';

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 };

/** Parses the duration of a `--timeout` to seconds: `90s`, `30m` or `2h`. A number without a unit has seconds. */
export function parseTimeout(text: string): number {
  const [, count, unit = 's'] = /^([1-9]\d{0,5})([smh]?)$/.exec(text) ?? [];
  const seconds = Number(count) * (unitSeconds[unit || 's'] ?? Number.NaN);
  if (Number.isNaN(seconds)) throw new InvalidArgumentError('It must be a whole number with a unit: 90s, 30m or 2h.');
  return seconds;
}
