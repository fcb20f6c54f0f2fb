import { maxReportBytes, type Report, type ReportError } from '../../contract/report.ts';

const shortMessageLength = 200;

/** Shortens long messages, and drops the last errors, if a report is longer than a termination message may be. */
export function fitReport(report: Report): Report {
  if (byteLength(report) <= maxReportBytes) return report;
  const shortened = report.errors.map(shorten);
  const kept = shortened.slice(0, countFitting(report, shortened));
  const intact = kept.filter((error, index) => error === report.errors[index]);
  return { ...report, errors: kept, omitted: report.errors.length - intact.length };
}

function shorten(error: ReportError): ReportError {
  if (error.message.length <= shortMessageLength) return error;
  return { ...error, message: `${error.message.slice(0, shortMessageLength - 1).toWellFormed()}…` };
}

function countFitting(report: Report, errors: readonly ReportError[]): number {
  let bytes = byteLength({ ...report, errors: [], omitted: report.errors.length });
  for (const [index, error] of errors.entries()) {
    bytes += byteLength(error) + ','.length;
    if (bytes > maxReportBytes) return index;
  }
  return errors.length;
}

function byteLength(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
