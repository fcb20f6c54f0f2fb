import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readContent } from '../../../sets/reading/content.ts';
import type { Criteria } from '../../../sets/reading/select.ts';
import { severities } from '../../../sets/reasons/severities.ts';
import {
  digestOf,
  grypeReport,
  grypeSarif,
  trivyReport,
  trivySarif,
  type Vulnerability,
} from '../../helpers/scan-reports.ts';

const critical: Criteria = { severities: ['CRITICAL'], isFixableOnly: false, isEndOfLife: false };
const read = (text: string | Uint8Array, criteria = critical) =>
  readContent(typeof text === 'string' ? new TextEncoder().encode(text) : text, criteria);
const readJson = (document: unknown, criteria = critical) => read(JSON.stringify(document), criteria);

const web = `docker.io/acme/web@${digestOf('a')}`;
const named = { digests: [web], tags: ['docker.io/acme/web:1'], given: 'acme/web:1' };
const found: readonly Vulnerability[] = [
  { id: 'CVE-2026-3', severity: 'HIGH', fix: '2' },
  { id: 'CVE-2026-2', severity: 'CRITICAL', fix: '2' },
  { id: 'CVE-2026-1', severity: 'CRITICAL' },
];

describe('lines', () => {
  it('are read with their reasons (S11)', () => {
    expect(read(`# list\r\nacme/web:1 # frozen\r\n[::1]:5000/acme/api:2\r\n${digestOf('a')}`)).toEqual([
      { image: 'acme/web:1', reason: 'frozen' },
      { image: '[::1]:5000/acme/api:2' },
      { image: digestOf('a') },
    ]);
  });

  it.each([
    ['', 'it is empty'],
    [' \n\n', 'it is empty'],
    ['acme/web:1\nacme/api:2 acme/db:3', 'line 2: acme/api:2 is followed by acme/db:3'],
    ['<!DOCTYPE html>\n<html>', 'line 1: <!DOCTYPE'],
    ['a b/c:1\n'.repeat(9), 'and 4 more lines'],
    [Uint8Array.of(0x1f, 0x8b, 8, 0), 'it is compressed'],
    [new Uint8Array(Buffer.from('\ufeffacme/web:1\n', 'utf16le')), 'it is not UTF-8 text'],
  ])('are refused as a whole for %j (S8, S11)', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});

describe.each([
  ['trivy', 'JSON', trivyReport(named, found)],
  [
    'grype',
    'JSON',
    grypeReport(
      named,
      found.map((one) => ({ ...one, severity: `${one.severity[0]}${one.severity.slice(1).toLowerCase()}` })),
    ),
  ],
  ['trivy', 'SARIF', trivySarif(named, found)],
])('a report of %s in %s', (scanner, format, report) => {
  it('names the image by its digest, with the worst finding and the number of others (S11)', () => {
    expect(readJson(report)).toEqual([{ image: web, reason: `CVE-2026-1 critical and 1 more, by ${scanner}` }]);
    const all = { ...critical, severities };
    expect(readJson(report, all)).toEqual([{ image: web, reason: `CVE-2026-1 critical and 2 more, by ${scanner}` }]);
  });

  it('names nothing if no finding counts (S11)', () => {
    expect(readJson(report, { ...critical, severities: ['MEDIUM'] })).toEqual([]);
  });

  it('counts only findings with a fix if asked to (S11)', () => {
    const reason = `CVE-2026-2 critical, by ${scanner}`;
    expect(readJson(report, { ...critical, isFixableOnly: true })).toEqual([{ image: web, reason }]);
  });

  it('that ends early is refused, wherever it ends (S8, S11)', () => {
    const text = JSON.stringify(report, undefined, 1);
    const ends = fc.integer({ min: 1, max: text.length - 1 });
    fc.assert(
      fc.property(ends, (end) => {
        expect(() => read(text.slice(0, end))).toThrow(/ends early|is no JSON/);
      }),
    );
  });

  it.runIf(format === 'JSON')('names several digests of the image, and its tags if it has no digest (S11)', () => {
    const mirror = `mirror.example.com/acme/web@${digestOf('b')}`;
    const build = scanner === 'trivy' ? trivyReport : grypeReport;
    const images = (names: Parameters<typeof build>[0]) => readJson(build(names, found)).map(({ image }) => image);
    expect(images({ digests: [web, mirror], tags: ['acme/web:1'] })).toEqual([web, mirror]);
    expect(images({ tags: ['acme/web:1', 'registry.example.com/web:2'] })).toEqual([
      'docker.io/acme/web:1',
      'registry.example.com/web:2',
    ]);
    expect(images({ given: `acme/web:1@${digestOf('c')}`, tags: ['acme/web:1'] })).toEqual([
      `docker.io/acme/web@${digestOf('c')}`,
    ]);
    expect(images({ given: 'registry.example.com:5000/web' })).toEqual(['registry.example.com:5000/web:latest']);
    expect(images({ given: './web.tar', id: digestOf('d') })).toEqual([digestOf('d')]);
  });
});

describe('SARIF of Grype', () => {
  it('names the image of its messages (S11)', () => {
    const [one] = readJson(grypeSarif({ given: 'registry.example.com/web:3' }, found));
    expect(one).toEqual({ image: 'registry.example.com/web:3', reason: 'CVE-2026-1 critical and 1 more, by grype' });
  });

  it('counts only findings with a fix if asked to (S11)', () => {
    const [one] = readJson(grypeSarif({}, found), { ...critical, isFixableOnly: true });
    expect(one?.reason).toBe('CVE-2026-2 critical, by grype');
  });

  it('without any result names nothing', () => {
    expect(readJson(grypeSarif({}, []))).toEqual([]);
  });
});

describe('the end of life of a distribution', () => {
  const criteria: Criteria = { ...critical, isEndOfLife: true };
  const alerts = { alertsByPackage: [{ package: {}, alerts: [{ type: 'distro-eol', message: 'is over' }] }] };

  it.each([
    ['trivy', trivyReport(named, [])],
    ['grype', grypeReport(named, [], alerts)],
  ])('is a reason of its own in a report of %s (S11)', (scanner, report) => {
    expect(readJson(report)).toEqual([]);
    expect(readJson(report, criteria)).toEqual([{ image: web, reason: `end of life: alpine 3.9.4, by ${scanner}` }]);
  });

  it('stands behind the findings', () => {
    expect(readJson(trivyReport(named, found), criteria)).toEqual([
      { image: web, reason: 'CVE-2026-1 critical and 1 more, end of life: alpine 3.9.4, by trivy' },
    ]);
  });

  it('is none in a report of another distribution', () => {
    expect(readJson(trivyReport(named, [], { Metadata: { RepoDigests: [web], OS: null } }), criteria)).toEqual([]);
    expect(readJson(grypeReport(named, []), criteria)).toEqual([]);
  });
});

describe('several reports', () => {
  const api = `docker.io/acme/api@${digestOf('b')}`;
  const reports = [trivyReport(named, found), grypeReport({ digests: [api] }, found)];
  const both = [web, api];

  it.each([
    ['in a list', JSON.stringify(reports)],
    ['in lines', `${reports.map((report) => JSON.stringify(report)).join('\n')}\n`],
    [
      'one after another, as a loop of commands writes them',
      reports.map((report) => JSON.stringify(report, undefined, 2)).join('\n'),
    ],
    ['in several lists', `[${JSON.stringify(reports[0])}]\n[${JSON.stringify(reports[1])}]`],
  ])('count %s (S11)', (_, text) => {
    expect(read(text).map(({ image }) => image)).toEqual(both);
  });

  it('are refused as a whole if one of them can not be read (S8)', () => {
    expect(() => readJson([...reports, { SchemaVersion: 1 }])).toThrow(
      "report 3 of 3: the report can't be read: SchemaVersion",
    );
    expect(() => read(`${JSON.stringify(reports[0])}\n{"matches":`)).toThrow(
      'its document 2 is no JSON, or ends early',
    );
  });

  it('are found with any text in them', () => {
    const strings = fc.array(fc.string(), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(strings, (texts) => {
        const odd = texts.map((text, index) =>
          trivyReport({ digests: [`docker.io/a/b@${digestOf(String(index))}`] }, found, { ReportID: text }),
        );
        expect(read(odd.map((report) => JSON.stringify(report)).join('')).map(({ image }) => image)).toHaveLength(
          texts.length,
        );
      }),
    );
  });
});

describe('a report that does not say what is asked', () => {
  it.each([
    ['a directory', trivyReport({ given: 'acme/web:1' }, found, { ArtifactType: 'filesystem', Metadata: {} })],
    ['a directory', grypeReport({}, found, { source: { type: 'directory', target: '/src' } })],
    ['an archive without names', trivyReport({ given: 'images/web.tar' }, found)],
    ['an archive without names', trivySarif({ given: 'web.tar.gz', id: '' }, found)],
    ['nothing', grypeReport({}, found, { source: undefined })],
    ['a code scan', { version: '2.1.0', runs: [{ tool: { driver: { name: 'CodeQL' } }, results: [] }] }],
  ])('about %s is refused, because it names no image (S11)', (_, report) => {
    expect(() => readJson(report)).toThrow('names no image');
  });

  it.each([[{}], [[]], [{ a: 1 }], [[{ apiVersion: 'v1' }]]])('like %j is refused', (document) => {
    expect(() => readJson(document)).toThrow(/no report/);
  });

  it('is refused, because it would silently name nothing', () => {
    const bare = {
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'x', rules: [] } },
          results: [{ ruleId: 'CVE-1-1' }],
          properties: { imageName: 'acme/web:1' },
        },
      ],
    };
    expect(() => readJson(bare, { ...critical, isFixableOnly: true })).toThrow(
      'does not say which findings have a fix',
    );
    expect(() => readJson(trivySarif(named, found), { ...critical, isEndOfLife: true })).toThrow(
      'does not say if the distribution',
    );
    expect(readJson(bare)).toEqual([]);
  });
});

it('a severity of SARIF without words is that of its score', () => {
  const run = (score: string) => ({
    runs: [
      {
        tool: { driver: { name: 'x', rules: [{ id: 'CVE-1-1', properties: { 'security-severity': score } }] } },
        results: [{ ruleId: 'CVE-1-1', message: { text: 'a finding' } }],
        properties: { imageName: 'acme/web:1' },
      },
    ],
  });
  const reasons = ['9.8', '9.0', '8.9', '6.9', '0.1', '0.0'].map(
    (score) => readJson(run(score), { ...critical, severities })[0]?.reason,
  );
  expect(reasons.map((reason) => reason?.split(/[ ,]/)[1])).toEqual([
    'critical',
    'critical',
    'high',
    'medium',
    'low',
    'unknown',
  ]);
});

it('a name with a scheme of Grype is that of the image, and a host with a port stays', () => {
  const imagesOf = (given: string) => readJson(grypeReport({ given }, found)).map(({ image }) => image);
  expect(imagesOf('docker:acme/web:1')).toEqual(['docker.io/acme/web:1']);
  expect(imagesOf('registry:registry.example.com/web:1')).toEqual(['registry.example.com/web:1']);
  expect(imagesOf('registry:5000/acme/web:1')).toEqual(['registry:5000/acme/web:1']);
  expect(imagesOf('docker:27')).toEqual(['docker.io/library/docker:27']);
});
