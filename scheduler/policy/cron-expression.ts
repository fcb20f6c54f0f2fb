import { parseGoDuration } from './go-duration.ts';

/** The values that the five fields of an expression allow. */
export interface CronFields {
  readonly type: 'Fields';
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly daysOfMonth: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly daysOfWeek: ReadonlySet<number>;
  /** True if a day must match only one of day-of-month and day-of-week, as for a CronJob that restricts both. */
  readonly eitherDay: boolean;
}

/** `@every`: a fixed time after the last scheduled time, in whole seconds, at least 1. */
export interface Interval {
  readonly type: 'Interval';
  readonly seconds: number;
}

export type CronExpression = CronFields | Interval;

export type ParsedExpression =
  | { readonly valid: true; readonly expression: CronExpression }
  | { readonly valid: false; readonly problems: readonly string[] };

/** The descriptors of CronJob, with their fields. */
const descriptors: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};

interface FieldRange {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** The names of the values. The first one is the name of `min`. */
  readonly names: readonly string[];
}

const fieldRanges: readonly FieldRange[] = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day-of-month', min: 1, max: 31, names: [] },
  { name: 'month', min: 1, max: 12, names: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ') },
  { name: 'day-of-week', min: 0, max: 6, names: 'sun mon tue wed thu fri sat'.split(' ') },
];

/** White space as in Go's `strings.Fields`: the white space of Unicode, without the byte order mark. */
const spaces = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/**
 * Parses an expression as CronJob does: it accepts the expressions of `ParseStandard` of github.com/robfig/cron/v3, except
 * those with a time zone. Returns a problem for each invalid part.
 */
export function parseExpression(text: string): ParsedExpression {
  if (text.includes('TZ')) return { valid: false, problems: [timeZoneProblem(text)] };
  if (text.startsWith('@every ')) return parseInterval(text.slice('@every '.length));
  if (text.startsWith('@')) return parseDescriptor(text);
  return parseFields(text);
}

function timeZoneProblem(text: string): string {
  const [, zone = 'Europe/Berlin', rest] = /^(?:CRON_)?TZ=(\S+)\s+(.*)$/s.exec(text) ?? [];
  const remedy = rest === undefined ? '' : `, and schedule: "${rest.trim()}"`;
  return `must not have a time zone, as for a CronJob; set timeZone: ${zone}${remedy}`;
}

function parseInterval(text: string): ParsedExpression {
  const nanoseconds = parseGoDuration(text);
  if (nanoseconds === undefined)
    return { valid: false, problems: [`"@every ${text}" needs a duration, like @every 90s or @every 1h30m`] };
  const seconds = Math.max(1, Number(nanoseconds / 1_000_000_000n));
  return { valid: true, expression: { type: 'Interval', seconds } };
}

function parseDescriptor(text: string): ParsedExpression {
  const fields = Object.hasOwn(descriptors, text) ? descriptors[text] : undefined;
  if (fields !== undefined) return parseFields(fields);
  const known = [...Object.keys(descriptors), '@every 90s'].join(', ');
  return { valid: false, problems: [`unknown descriptor; use one of ${known}`] };
}

function parseFields(text: string): ParsedExpression {
  const parts = text.split(spaces).filter((part) => part !== '');
  if (parts.length !== fieldRanges.length) {
    const message = `must have 5 fields (minute hour day-of-month month day-of-week), not ${parts.length}`;
    return { valid: false, problems: [message] };
  }
  const fields = fieldRanges.map((range, index) => parseField(parts[index] ?? '', range));
  const problems = fields.flatMap((field) => field.problems);
  if (problems.length > 0) return { valid: false, problems };
  return { valid: true, expression: toCronFields(fields) };
}

interface Field {
  readonly values: ReadonlySet<number>;
  /** True if the field has a star without a step above 1. */
  readonly hasStar: boolean;
  readonly problems: readonly string[];
}

function toCronFields(fields: readonly Field[]): CronFields {
  const [minutes = none, hours = none, daysOfMonth = none, months = none, daysOfWeek = none] = fields;
  return {
    type: 'Fields',
    minutes: minutes.values,
    hours: hours.values,
    daysOfMonth: daysOfMonth.values,
    months: months.values,
    daysOfWeek: daysOfWeek.values,
    eitherDay: !daysOfMonth.hasStar && !daysOfWeek.hasStar,
  };
}

const none: Field = { values: new Set(), hasStar: false, problems: [] };

/** Parses the parts of a list. Ignores empty parts, as CronJob does. */
function parseField(text: string, range: FieldRange): Field {
  const parts = text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => parsePart(part, range));
  return {
    values: new Set(parts.flatMap((part) => ('problem' in part ? [] : [...valuesOf(part)]))),
    hasStar: parts.some((part) => !('problem' in part) && part.isStar && part.step === 1),
    problems: parts.flatMap((part) => ('problem' in part ? [`${range.name}: ${part.problem}`] : [])),
  };
}

interface Part {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly isStar: boolean;
}

function valuesOf({ from, to, step }: Part): number[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
}

/**
 * Parses a value, a range or a star, each with an optional step. `N/step` means N and all later values with this step.
 * It ignores text after a star and a dash.
 */
function parsePart(text: string, range: FieldRange): Part | { problem: string } {
  const [span = '', stepText, ...moreSteps] = text.split('/');
  const [low = '', high, ...moreBounds] = span.split('-');
  const isStar = low === '*' || low === '?';
  if (moreSteps.length > 0) return { problem: `"${text}" has more than one step` };
  if (moreBounds.length > 0 && !isStar) return { problem: `"${text}" has more than one dash` };
  const step = stepText === undefined ? 1 : parseNumber(stepText);
  if (step === undefined || step === 0) return { problem: `the step of "${text}" must be at least 1` };
  if (isStar) return { from: range.min, to: range.max, step, isStar };
  const from = parseValue(low, range);
  const last = high === undefined && stepText !== undefined ? range.max : parseValue(high ?? low, range);
  if (from === undefined || last === undefined) return { problem: `"${text}" ${valueAdvice(range)}` };
  if (from < range.min || from > range.max || last > range.max) return { problem: `${text} ${rangeAdvice(range)}` };
  if (from > last) return { problem: `range "${text}" ends before it begins` };
  return { from, to: last, step, isStar };
}

function parseValue(text: string, { names, min }: FieldRange): number | undefined {
  const index = names.indexOf(text.toLowerCase());
  return index >= 0 ? min + index : parseNumber(text);
}

const maxInt64 = 2n ** 63n - 1n;

/** Parses a number as Go's `strconv.Atoi`; undefined if the text is not valid. */
function parseNumber(text: string): number | undefined {
  return /^\+?[0-9]+$/.test(text) && BigInt(text.replace('+', '')) <= maxInt64 ? Number(text) : undefined;
}

function valueAdvice(range: FieldRange): string {
  const names = range.names.length > 0 ? ` or names (${range.names.join(', ').toUpperCase()})` : '';
  return `is not supported; use numbers${names}, ranges like 1-5, lists like 1,5, * and steps like */5`;
}

function rangeAdvice({ name, min, max }: FieldRange): string {
  const hint = name === 'day-of-week' ? '; Sunday is 0' : '';
  return `is not between ${min} and ${max}${hint}`;
}
