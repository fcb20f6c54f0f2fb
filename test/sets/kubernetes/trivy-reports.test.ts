import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KubernetesApi } from '../../../scheduler/kubernetes/api/api.ts';
import { KubernetesTransport } from '../../../scheduler/kubernetes/api/transport.ts';
import { KubernetesReports } from '../../../sets/kubernetes/trivy-reports.ts';
import { TrivySource } from '../../../sets/trivy/source.ts';
import { type Asked, type Fault, LoopbackApi } from '../../helpers/loopback-api.ts';
import { buildReport } from '../../helpers/trivy-report.ts';

const group = '/apis/aquasecurity.github.io/v1alpha1';
const digestOf = (index: number) => `sha256:${index.toString(16).padStart(64, '0')}`;
const critical = ['CVE-2026-1 CRITICAL 9.8'];

let server: LoopbackApi;
let api: KubernetesApi;
let warnings: string[];

beforeEach(async () => {
  warnings = [];
  server = new LoopbackApi();
  await server.start();
  api = new KubernetesApi({ transport: new KubernetesTransport(server.config), requestsPerSecond: 1000 });
});
afterEach(async () => {
  await api.close();
  await server.stop();
});

function fill(count: number): void {
  for (let index = 0; index < count; index += 1)
    server.put(
      `${group}/vulnerabilityreports`,
      `report-${index}`,
      buildReport({ digest: digestOf(index), vulnerabilities: critical }),
    );
}

const criteria = { severities: ['CRITICAL'], fixable: false, endOfLife: false, expireMs: 1_000 } as const;
const read = (signal = new AbortController().signal) =>
  new TrivySource(new KubernetesReports(api), criteria, (message) => warnings.push(message)).read(
    { entries: [], memory: undefined },
    signal,
  );
/** Lets the nth request of a page fail, counted from 1. */
const failAt = (nth: number, fault: Fault, times = 1) => {
  let asked = 0;
  return ({ query }: Asked) => {
    asked += 1;
    return query.has('limit') && asked >= nth && asked < nth + times ? fault : undefined;
  };
};

describe('a look at the reports of Trivy Operator', () => {
  it('reads all pages of both kinds, and tells what it skips (S9)', async () => {
    fill(25);
    server.put(
      `${group}/clustervulnerabilityreports`,
      'of-cluster',
      buildReport({ server: 'quay.io', repository: 'a/b', tag: '1', vulnerabilities: critical }),
    );
    server.put(`${group}/vulnerabilityreports`, 'nameless', buildReport({ vulnerabilities: critical }));
    server.put(`${group}/vulnerabilityreports`, 'other', { report: {} });
    const { entries } = await read();
    expect(entries).toHaveLength(26);
    expect(entries.at(-1)).toEqual({ image: 'quay.io/a/b:1', reason: 'CVE-2026-1 critical, by trivy' });
    expect(server.asked.every(({ query }) => query.get('limit') === '10')).toBe(true);
    expect(warnings).toEqual([
      'skipped reports of Trivy Operator without a tag and a digest: 1',
      'skipped reports of another shape than the CRDs of Trivy Operator describe: 1',
    ]);
  });

  it('begins again if the API server forgets the version in the middle of the pages (S9)', async () => {
    fill(35);
    server.fault = failAt(3, { code: 410, reason: 'Expired' });
    expect((await read()).entries).toHaveLength(35);
    const starts = server.count(
      'GET',
      ({ path, query }) => path.endsWith('/vulnerabilityreports') && !query.has('continue'),
    );
    expect(starts).toBe(2);
  });

  it('gives up if the API server forgets the version each time (S9)', async () => {
    fill(35);
    server.fault = ({ query }) => (query.has('continue') ? { code: 410, reason: 'Expired' } : undefined);
    await expect(read()).rejects.toThrow('410');
  });

  it.each<[fault: Fault, message: string | RegExp]>([
    [
      { code: 500, reason: 'InternalError' },
      'could not list vulnerabilityreports.aquasecurity.github.io/v1alpha1: 500',
    ],
    [{ code: 401, reason: 'Unauthorized' }, '401'],
    ['cut', 'could not list vulnerabilityreports.aquasecurity.github.io/v1alpha1'],
    ['lost', 'could not list vulnerabilityreports.aquasecurity.github.io/v1alpha1'],
  ])('is incomplete if page 7 of 9 fails: %j (S8, S9)', async (fault, message) => {
    fill(85);
    server.fault = failAt(7, fault, 99);
    await expect(read()).rejects.toThrow(message);
  });

  it('says which right is missing (S9)', async () => {
    server.fault = ({ path }) =>
      path.includes('/clustervulnerabilityreports') ? { code: 403, reason: 'Forbidden' } : undefined;
    await expect(read()).rejects.toThrow(
      'allow the producer to list clustervulnerabilityreports.aquasecurity.github.io in all namespaces',
    );
  });

  it('says that Trivy Operator is not installed if its CRDs are missing (S9)', async () => {
    server.fault = () => ({ code: 404 });
    await expect(read()).rejects.toThrow(
      'the cluster has no vulnerabilityreports.aquasecurity.github.io: install Trivy Operator, or update it',
    );
  });

  it('ends between two pages when it is aborted (S8, S9)', async () => {
    fill(50);
    const abort = new AbortController();
    server.fault = ({ query }) => {
      if (query.has('continue')) abort.abort(new Error('the deadline has passed'));
      return undefined;
    };
    await expect(read(abort.signal)).rejects.toThrow('the deadline has passed');
    expect(server.count('GET')).toBe(2);
  });
});

it('400 reports of 200 KB need only a small heap, because only the facts of each page are kept (S9)', async () => {
  const vulnerabilities = Array.from({ length: 700 }, (_, index) => `CVE-2026-${index} HIGH 7.5 2.0`);
  const { report } = buildReport({ vulnerabilities });
  for (let index = 0; index < 400; index += 1)
    server.put(`${group}/vulnerabilityreports`, `report-${index}`, {
      report: { ...report, artifact: { ...report.artifact, digest: digestOf(index) } },
    });
  const argv = ['--max-old-space-size=48', 'test/helpers/read-trivy-reports.ts', server.config.exportConfig()];
  const { stdout } = await promisify(execFile)(process.execPath, argv);
  expect(stdout).toMatch(/^400 /);
  if (process.env.NODESWEEP_SHOW) console.log(stdout, JSON.stringify(report).length);
}, 120_000);
