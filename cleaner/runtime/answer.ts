import type * as z from 'zod';

/** The reason why a text that should be a runtime's answer is no JSON. */
export function describeNonJson(text: string): string {
  if (text.trim() === '') return 'it is empty';
  if (/^\s*[[{]/.test(text)) return `it is cut off after ${text.length} characters`;
  return `it is no JSON and starts with ${JSON.stringify(text.slice(0, 40))}`;
}

/** The place where a runtime's answer has another shape than expected. */
export function describeIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue === undefined ? 'it has another shape' : `${issue.path.join('.') || 'it'}: ${issue.message}`;
}

/** In milliseconds since the epoch. Go's zero time, and the epoch that reproducible builds write, are no times. */
export function parseTime(time: string | undefined): number | undefined {
  const ms = Date.parse(time ?? '');
  return ms > Date.UTC(2000) ? ms : undefined;
}

/** Those of these that are there, each once; `<none>` is a placeholder. */
export function unique(texts: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(texts.filter((value): value is string => Boolean(value) && value !== '<none>'))];
}
