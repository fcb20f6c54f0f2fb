import { subjectOf } from '../../scheduler/policy/files/findings.ts';
import type { FileFinding } from './file-finding.ts';

/** A workflow command of GitHub Actions, which shows the finding at its line in a pull request. */
export function formatGithub(finding: FileFinding): string {
  const { file, line, column, severity, message } = finding;
  const subject = subjectOf(finding);
  const properties = Object.entries({ file, line, col: column, title: 'nodesweep lint' })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${escapeProperty(String(value))}`);
  const words = subject === '' ? message : `${subject}: ${message}`;
  return `::${severity} ${properties.join(',')}::${escapeData(words)}`;
}

/** The escapes of @actions/core (packages/core/src/command.ts). */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
