/** A vulnerability as the builders of reports take it. */
export interface Vulnerability {
  readonly id: string;
  readonly severity: string;
  readonly fix?: string;
  readonly package?: string;
}

interface Names {
  readonly digests?: readonly string[] | null;
  readonly tags?: readonly string[];
  readonly given?: string;
  readonly id?: string;
}

export const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`;

/** A report as `trivy image --format json` writes it. */
export function trivyReport(names: Names, found: readonly Vulnerability[], more: object = {}): object {
  const { digests, tags, given = 'docker.io/acme/web:1', id } = names;
  return {
    SchemaVersion: 2,
    Trivy: { Version: '0.69.0' },
    CreatedAt: '2026-02-25T12:20:30.000000005Z',
    ArtifactName: given,
    ArtifactType: 'container_image',
    Metadata: {
      Size: 5796352,
      OS: { Family: 'alpine', Name: '3.9.4', EOSL: true },
      ...(id && { ImageID: id }),
      ...(tags && { RepoTags: tags }),
      ...(digests !== undefined && { RepoDigests: digests }),
      ImageConfig: { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } },
    },
    Results: [
      {
        Target: `${given} (alpine 3.9.4)`,
        Class: 'os-pkgs',
        Type: 'alpine',
        Vulnerabilities: found.map(({ id: name, severity, fix, package: pkg = 'openssl' }) => ({
          VulnerabilityID: name,
          PkgName: pkg,
          InstalledVersion: '1',
          ...(fix && { FixedVersion: fix }),
          Status: fix ? 'fixed' : 'affected',
          Severity: severity,
        })),
      },
      { Target: 'app/package-lock.json', Class: 'lang-pkgs', Type: 'npm' },
      { Target: 'app/key.pem', Class: 'secret', Secrets: [{ RuleID: 'private-key', Severity: 'CRITICAL' }] },
    ],
    ...more,
  };
}

/** A report as `grype --output json` writes it. */
export function grypeReport(names: Names, found: readonly Vulnerability[], more: object = {}): object {
  const { digests = [], tags = [], given = 'docker.io/acme/web:1', id = digestOf('9') } = names;
  return {
    matches: found.map(({ id: name, severity, fix }) => ({
      vulnerability: {
        id: name,
        dataSource: `https://nvd.nist.gov/vuln/detail/${name}`,
        severity,
        urls: [],
        fix: fix ? { versions: [fix], state: 'fixed' } : { versions: [], state: 'not-fixed' },
        advisories: [],
      },
      relatedVulnerabilities: [],
      artifact: { name: 'openssl', version: '1', type: 'apk' },
    })),
    source: {
      type: 'image',
      target: {
        userInput: given,
        imageID: id,
        manifestDigest: digestOf('8'),
        mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
        tags,
        repoDigests: digests,
        layers: [],
      },
    },
    distro: { name: 'alpine', version: '3.9.4', idLike: [] },
    descriptor: { name: 'grype', version: '0.90.0' },
    ...more,
  };
}

/** SARIF as `trivy image --format sarif` writes it. */
export function trivySarif(names: Names, found: readonly Vulnerability[]): object {
  const { digests = null, tags = [], given = 'docker.io/acme/web:1', id = digestOf('9') } = names;
  const text = ({ id: name, severity, fix = '' }: Vulnerability) =>
    `Vulnerability ${name}\nSeverity: ${severity}\nFixed Version: ${fix}\nLink: [${name}](https://avd.aquasec.com/nvd/${name})`;
  const firsts = found.filter(({ id: name }, index) => found.findIndex((other) => other.id === name) === index);
  const secret = {
    id: 'private-key',
    name: 'Secret',
    properties: { 'security-severity': '9.5', tags: ['secret', 'security', 'CRITICAL'] },
  };
  const rules = firsts.map((one) => ({
    id: one.id,
    name: 'OsPackageVulnerability',
    help: { text: text(one) },
    properties: {
      precision: 'very-high',
      'security-severity': '5.3',
      tags: ['vulnerability', 'security', one.severity],
    },
  }));
  return {
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'Trivy', rules: [...rules, secret] } },
        results: [
          ...found.map((one) => ({
            ruleId: one.id,
            level: 'error',
            message: { text: `Package: ${one.package ?? 'openssl'}\nInstalled Version: 1\n${text(one)}` },
          })),
          {
            ruleId: 'private-key',
            level: 'error',
            message: { text: 'Artifact: key.pem\nSeverity: CRITICAL\nMatch: ****' },
          },
        ],
        properties: { imageID: id, imageName: given, repoDigests: digests, repoTags: tags },
      },
    ],
  };
}

/** SARIF as `grype --output sarif` writes it. */
export function grypeSarif({ given = 'docker.io/acme/web:1' }: Names, found: readonly Vulnerability[]): object {
  const rules = found.map(({ id, severity, fix = '' }) => ({
    id: `${id}-openssl`,
    name: 'ApkMatcherExactDirectMatch',
    help: {
      text: `Vulnerability ${id}\nSeverity: ${severity.toLowerCase()}\nPackage: openssl\nFix Version: ${fix}\nType: apk`,
    },
    properties: { 'security-severity': '5.3' },
  }));
  const results = found.map(({ id, severity }) => ({
    ruleId: `${id}-openssl`,
    message: {
      text: `A ${severity.toLowerCase()} vulnerability in apk package: openssl, version 1 was found in image ${given} at: /lib/apk/db/installed`,
    },
  }));
  return { version: '2.1.0', runs: [{ tool: { driver: { name: 'grype', rules } }, results }] };
}
