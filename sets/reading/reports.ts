import { messageOf } from '../../contract/errors.ts';
import { ContentError } from './content-error.ts';
import { isGrypeReport, readGrypeReport } from './grype.ts';
import type { ImageReport } from './report.ts';
import { isSarif, readSarif } from './sarif.ts';
import { isTrivyReport, readTrivyReport } from './trivy.ts';

/** Reads the reports in a text: one, a list of them, or several one after another, as a loop in a shell writes them. */
export function readReports(text: string): readonly ImageReport[] {
  const documents = parseDocuments(text).flatMap((document) => (Array.isArray(document) ? document : [document]));
  if (documents.length === 0)
    throw new ContentError('it has no report: give at least one, such as that of trivy image --format json');
  return documents.flatMap((document, index) => {
    try {
      return readReport(document);
    } catch (cause) {
      const place = documents.length === 1 ? '' : `report ${index + 1} of ${documents.length}: `;
      throw new ContentError(`${place}${messageOf(cause)}`, { cause });
    }
  });
}

function readReport(document: unknown): readonly ImageReport[] {
  if (isSarif(document)) return readSarif(document);
  if (isTrivyReport(document)) return [readTrivyReport(document)];
  if (isGrypeReport(document)) return [readGrypeReport(document)];
  throw new ContentError(
    'it is JSON, but no report of Trivy (SchemaVersion), Grype (matches) or SARIF (runs); make one with: trivy image --format json, or grype --output json',
  );
}

function parseDocuments(text: string): readonly unknown[] {
  const parts = splitDocuments(text);
  return parts.map((part, index) => {
    try {
      return JSON.parse(part);
    } catch (cause) {
      const place = parts.length === 1 ? 'it' : `its document ${index + 1}`;
      throw new ContentError(`${place} is no JSON, or ends early: ${messageOf(cause)}`, { cause });
    }
  });
}

/** Splits a text after each object or list that is not inside of another one. */
function splitDocuments(text: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{}]/gs)) {
    if (token === '{' || token === '[') depth += 1;
    if (token === '}' || token === ']') depth -= 1;
    if (depth > 0 || token.startsWith('"')) continue;
    parts.push(text.slice(start, index + 1));
    start = index + 1;
    depth = 0;
  }
  const rest = text.slice(start);
  return rest.trim() === '' ? parts : [...parts, rest];
}
