import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LoopbackApi } from '../../helpers/loopback-api.ts';
import { runProgram } from '../../helpers/program.ts';
import { buildReport } from '../../helpers/trivy-report.ts';

const reports = '/apis/aquasecurity.github.io/v1alpha1/vulnerabilityreports';
const set = '/api/v1/namespaces/nodesweep/configmaps/cve-critical';
const digest = `sha256:${'ab'.repeat(32)}`;

let server: LoopbackApi;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-set-'));
  server = new LoopbackApi();
  await server.start();
  await writeFile(join(directory, 'kubeconfig'), server.config.exportConfig());
});
afterEach(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

const run = (...args: readonly string[]) =>
  runProgram(['set', 'trivy', '--name', 'cve-critical', '--kubeconfig', 'kubeconfig', ...args], directory);
const putReport = (vulnerabilities: readonly string[], updated: string) =>
  server.put(
    reports,
    'replicaset-api',
    buildReport({ repository: 'acme/api', tag: '1', digest, vulnerabilities, updated }),
  );
const lines = () => (server.objects.get(set) as { data?: Record<string, string> } | undefined)?.data?.['trivy.txt'];

describe('nodesweep set trivy', () => {
  it('writes what is vulnerable, remembers it when its report is gone, and forgets what is clean (S8, S9)', async () => {
    putReport(['CVE-2026-1 CRITICAL 9.8', 'CVE-2026-2 HIGH 7.5'], '2026-03-01T08:00:00Z');
    const first = await run();
    expect(JSON.parse(first.stdout)).toMatchObject({ source: 'trivy', outcome: 'Written', images: 1, added: 1 });
    expect(first.exitCode).toBe(0);
    const entry = `docker.io/acme/api@${digest} # CVE-2026-1 critical, by trivy`;
    expect(lines()).toBe(
      `# Written by nodesweep from the reports of Trivy Operator. Changes by hand are lost.\n${entry}\n`,
    );

    server.remove(reports, 'replicaset-api');
    expect((await run()).exitCode).toBe(0);
    const today = new Date().toISOString().slice(0, 10);
    expect(lines()).toContain(`${entry}, last reported ${today}\n`);

    const broken = lines();
    server.fault = ({ path }) => (path.includes('aquasecurity') ? { code: 500, reason: 'InternalError' } : undefined);
    const failed = await run();
    expect(JSON.parse(failed.stdout)).toMatchObject({ level: 'error', reason: 'SourceError' });
    expect(failed.exitCode).toBe(1);
    expect(lines()).toBe(broken);

    server.fault = () => undefined;
    putReport([], '2026-03-02T08:00:00Z');
    expect(JSON.parse((await run()).stdout)).toMatchObject({ images: 0, removed: 1 });
    expect(lines()).not.toContain('acme/api');
  });

  it('takes severities in any case, fixes and the end of life (S9)', async () => {
    putReport(['CVE-2026-1 HIGH 7 2.0', 'CVE-2026-2 HIGH 8', 'CVE-2026-3 LOW 2 2.0'], '2026-03-01T08:00:00Z');
    server.put(reports, 'old', buildReport({ repository: 'acme/old', tag: '1', os: { name: '3.12', eosl: true } }));
    const { stdout } = await run('--severity', 'high, low', '--fixable', '--end-of-life', '--output', '-');
    expect(stdout).toContain(`docker.io/acme/api@${digest} # CVE-2026-1 high and 1 more, by trivy\n`);
    expect(stdout).toContain('docker.io/acme/old:1 # end of life: alpine 3.12, by trivy');
  });

  it('tells reports that it skips, and writes the others (S9)', async () => {
    putReport(['CVE-2026-1 CRITICAL 9.8'], '2026-03-01T08:00:00Z');
    server.put(reports, 'nameless', buildReport({ repository: 'acme/web' }));
    const { stdout, exitCode } = await run('--output', 'set.txt');
    const [warning, end] = stdout.split('\n').map((line) => JSON.parse(line));
    expect(warning).toMatchObject({
      level: 'warn',
      msg: 'skipped reports of Trivy Operator without a tag and a digest: 1',
    });
    expect(end).toMatchObject({ images: 1 });
    expect(exitCode).toBe(0);
    expect(await readFile(join(directory, 'set.txt'), 'utf8')).toContain('acme/api');
  });

  it('exits with 1 and says what to do if Trivy Operator is not installed (S9)', async () => {
    server.fault = ({ path }) => (path.includes('aquasecurity') ? { code: 404 } : undefined);
    const { stdout, exitCode } = await run();
    expect(JSON.parse(stdout).msg).toContain('install Trivy Operator');
    expect(exitCode).toBe(1);
    expect(server.count('POST')).toBe(0);
  });

  it.each([
    [['--severity', 'CRITICAL,URGENT'], 'It must be a list of CRITICAL, HIGH, MEDIUM, LOW, UNKNOWN.'],
    [['--severity', ''], 'It must be a list of'],
    [['--expire', '30'], 'It must be a whole number with a unit'],
    [['--expire', '1w'], 'write 7d'],
    [['report.json'], 'too many arguments'],
  ])('%j is refused with exit code 2', async (args, message) => {
    const { stderr, exitCode } = await run(...args);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });
});
