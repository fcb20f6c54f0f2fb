import type { FileFinding } from './file-finding.ts';

/** The result of `lint` for programs. Files without image sets have no number of them. */
export function formatJson(
  { policies, sets }: { readonly policies: number; readonly sets: number },
  findings: readonly FileFinding[],
): string {
  const ordered = findings.map(({ file, line, column, severity, policy, path, message }) => ({
    file,
    line,
    column,
    severity,
    policy,
    path,
    message,
  }));
  return JSON.stringify({ policies, ...(sets > 0 && { imageSets: sets }), findings: ordered }, undefined, 2);
}
