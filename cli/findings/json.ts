import type { FileFinding } from './file-finding.ts';

/** The result of `lint` for programs. */
export function formatJson(policies: number, findings: readonly FileFinding[]): string {
  const ordered = findings.map(({ file, line, column, severity, policy, path, message }) => ({
    file,
    line,
    column,
    severity,
    policy,
    path,
    message,
  }));
  return JSON.stringify({ policies, findings: ordered }, undefined, 2);
}
