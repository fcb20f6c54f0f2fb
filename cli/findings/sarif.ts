import { isAbsolute } from 'node:path';
import { subjectOf } from '../../scheduler/policy/files/findings.ts';
import type { FileFinding } from './file-finding.ts';

const rules = [
  {
    id: 'policy-problem',
    shortDescription: { text: 'The policy is not valid, or a line of an image set has no effect.' },
  },
  { id: 'policy-warning', shortDescription: { text: 'The policy may not do what it is meant to do.' } },
];

/** The findings as SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), for code scanning. */
export function formatSarif(findings: readonly FileFinding[], version: string): string {
  const driver = { name: 'nodesweep lint', version, rules };
  const run = { tool: { driver }, columnKind: 'utf16CodeUnits', results: findings.map(resultOf) };
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [run],
  };
  return JSON.stringify(log, undefined, 2);
}

function resultOf(finding: FileFinding) {
  const { file, line, column, severity, message } = finding;
  const subject = subjectOf(finding);
  const region = line === undefined ? {} : { region: { startLine: line, startColumn: column } };
  return {
    ruleId: severity === 'error' ? 'policy-problem' : 'policy-warning',
    level: severity,
    message: { text: subject === '' ? message : `${subject}: ${message}` },
    locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(file) }, ...region } }],
  };
}

/** A relative reference for a relative path, so that the results fit every checkout. */
function uriOf(file: string): string {
  const path = file.replaceAll('\\', '/').split('/').map(encodeURIComponent).join('/');
  if (!isAbsolute(file)) return path.replace(/^(?:\.\/)+/, '');
  return `file://${path.startsWith('/') ? '' : '/'}${path.replace(/^([A-Za-z])%3A/, '$1:')}`;
}
