import { buildReport, type ReportFields } from '../helpers/trivy-report.ts';

export const reportGroup = 'aquasecurity.github.io';

const texts = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
const counts = ['criticalCount', 'highCount', 'mediumCount', 'lowCount', 'unknownCount'];
const vulnerabilityTexts = [
  'vulnerabilityID',
  'resource',
  'installedVersion',
  'fixedVersion',
  'publishedDate',
  'lastModifiedDate',
  'title',
];

/** The fields of a report that Trivy Operator documents as required, or that nodesweep reads. */
const reportSchema = {
  type: 'object',
  required: ['artifact', 'os', 'scanner', 'summary', 'updateTimestamp', 'vulnerabilities'],
  properties: {
    updateTimestamp: { type: 'string', format: 'date-time' },
    scanner: {
      type: 'object',
      required: ['name', 'vendor', 'version'],
      properties: texts('name', 'vendor', 'version'),
    },
    registry: { type: 'object', properties: texts('server') },
    artifact: { type: 'object', properties: texts('repository', 'tag', 'digest', 'mimeType') },
    os: { type: 'object', properties: { ...texts('family', 'name'), eosl: { type: 'boolean' } } },
    summary: {
      type: 'object',
      required: counts,
      properties: Object.fromEntries(counts.map((name) => [name, { type: 'integer', minimum: 0 }])),
    },
    vulnerabilities: {
      type: 'array',
      items: {
        type: 'object',
        required: [...vulnerabilityTexts, 'severity'],
        properties: {
          ...texts(...vulnerabilityTexts, 'target'),
          severity: { type: 'string', enum: ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'] },
          score: { type: 'number' },
          links: { type: 'array', items: { type: 'string' } },
        },
      },
    },
  },
};

/** The definition of a kind of reports in a cluster. */
export function buildReportDefinition(kind: 'VulnerabilityReport' | 'ClusterVulnerabilityReport'): object {
  const singular = kind.toLowerCase();
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${singular}s.${reportGroup}` },
    spec: {
      group: reportGroup,
      scope: kind.startsWith('Cluster') ? 'Cluster' : 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural: `${singular}s`, singular },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              required: ['report'],
              properties: { report: reportSchema },
              'x-kubernetes-preserve-unknown-fields': true,
            },
          },
        },
      ],
    },
  };
}

/** A report about a container of a workload in the namespace default. */
export function buildWorkloadReport(name: string, fields: ReportFields): object {
  return { ...buildReport(fields), metadata: { name, namespace: 'default' } };
}

/** A report about the whole cluster. */
export function buildClusterReport(name: string, fields: ReportFields): object {
  return { ...buildReport(fields), kind: 'ClusterVulnerabilityReport', metadata: { name } };
}
