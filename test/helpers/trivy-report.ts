/** The fields of a report that tests choose. */
export interface ReportFields {
  readonly server?: string;
  readonly repository?: string;
  readonly tag?: string | undefined;
  readonly digest?: string | undefined;
  readonly updated?: string;
  readonly os?: object;
  /** Texts like `CVE-2026-1 CRITICAL 9.8 1.2.3`; without the last word, nothing fixes it. */
  readonly vulnerabilities?: readonly string[];
}

const severities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'];

/** A VulnerabilityReport in the shape that Trivy Operator documents, with fields that nodesweep does not read. */
export function buildReport(fields: ReportFields = {}) {
  const { server = 'index.docker.io', repository = 'library/nginx', tag, digest, os = {} } = fields;
  const vulnerabilities = (fields.vulnerabilities ?? []).map(buildVulnerability);
  const count = (severity: string) => vulnerabilities.filter((found) => found.severity === severity).length;
  return {
    apiVersion: 'aquasecurity.github.io/v1alpha1',
    kind: 'VulnerabilityReport',
    report: {
      updateTimestamp: fields.updated ?? '2026-11-20T08:00:00Z',
      scanner: { name: 'Trivy', vendor: 'Aqua Security', version: '0.72.0' },
      registry: { server },
      artifact: { repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) },
      os: { family: 'alpine', name: '3.19', ...os },
      summary: Object.fromEntries(
        severities.map((severity) => [`${severity.toLowerCase()}Count`, count(severity)] as const),
      ),
      vulnerabilities,
    },
  };
}

function buildVulnerability(text: string) {
  const [vulnerabilityID = '', severity = '', score = '0', fixedVersion = ''] = text.split(' ');
  return {
    vulnerabilityID,
    severity,
    score: Number(score),
    fixedVersion,
    resource: 'libssl3',
    installedVersion: '1.0.0',
    title: `a flaw in libssl3 (${vulnerabilityID})`,
    publishedDate: '2026-01-01T00:00:00Z',
    lastModifiedDate: '2026-01-02T00:00:00Z',
    target: '',
    links: [],
  };
}
