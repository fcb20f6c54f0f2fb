import { stringify } from 'yaml';

/** Writes a document for programs. JSON is on one line, except on a terminal. */
export function formatDocument(document: object, format: 'json' | 'yaml'): string {
  if (format === 'json') return JSON.stringify(document, undefined, process.stdout.isTTY ? 2 : undefined);
  return stringify(document, { lineWidth: 0 }).trimEnd();
}
