import type * as z from 'zod';

/** The reason why the answer of a runtime is not JSON. */
export function describeNonJson(text: string): string {
  if (text.trim() === '') return 'it is empty';
  if (/^\s*[[{]/.test(text)) return `it is cut off after ${text.length} characters`;
  return `it is not JSON and starts with ${JSON.stringify(text.slice(0, 40))}`;
}

/** The place where the answer of a runtime has an unexpected shape. */
export function describeIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue === undefined ? 'it has another shape' : `${issue.path.join('.') || 'it'}: ${issue.message}`;
}

/** A time in milliseconds since the epoch; undefined for Go's zero time, and for the epoch of reproducible builds. */
export function parseTime(time: string | undefined): number | undefined {
  const ms = Date.parse(time ?? '');
  return ms > Date.UTC(2000) ? ms : undefined;
}

/** The distinct texts, without missing ones and the placeholder `<none>`. */
export function unique(texts: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(texts.filter((value): value is string => Boolean(value) && value !== '<none>'))];
}
