import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCertificates } from '../../helpers/certificates.ts';
import { HarborServer } from '../../helpers/harbor-server.ts';
import { LoopbackApi } from '../../helpers/loopback-api.ts';
import { runProgram } from '../../helpers/program.ts';
import { TunnelProxy } from '../../helpers/tunnel-proxy.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const certificates = createCertificates();

let directory: string;
let server: HarborServer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-harbor-'));
  await writeFile(join(directory, 'username'), 'robot$nodesweep');
  await writeFile(join(directory, 'password'), 'first');
  await writeFile(join(directory, 'ca.crt'), certificates.authority);
  server = new HarborServer(certificates);
  await server.start();
  const vulnerabilities = [{ id: 'CVE-2026-1', severity: 'Critical' }];
  server.put('team-a', 'apps/web', [{ digest, tags: ['1'], vulnerabilities }]);
});
afterEach(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

const account = ['--username-file', 'username', '--password-file', 'password'];
const output = ['--name', 'vulnerable', '--severity', 'CRITICAL', '--output', 'set.txt'];
const harbor = (args: readonly string[], environment = {}) =>
  runProgram(['set', 'harbor', `https://localhost:${server.port}`, ...args], directory, '', environment);

describe('nodesweep set harbor (S10)', () => {
  it('reads a Harbor with the certificate of a private authority, and writes the set', async () => {
    const { stdout, exitCode } = await harbor([...output, ...account, '--ca-file', 'ca.crt']);
    expect(JSON.parse(stdout)).toMatchObject({ level: 'info', source: 'harbor', set: 'vulnerable', images: 1 });
    expect(exitCode).toBe(0);
    expect(await readFile(join(directory, 'set.txt'), 'utf8')).toBe(
      `# Written by nodesweep from Harbor at localhost:${server.port}. Changes by hand are lost.\n${digest} # CVE-2026-1 critical, by harbor\n`,
    );
  });

  it('names in the cluster what Harbor had at the look before and no longer has, and remembers it (S8)', async () => {
    const cluster = new LoopbackApi();
    await cluster.start();
    await writeFile(join(directory, 'kubeconfig'), cluster.config.exportConfig());
    const gone = ['--name', 'gone', '--gone', '--max-gone-percent', '50', '--kubeconfig', 'kubeconfig'];
    const other = { digest: `sha256:${'b'.repeat(64)}`, tags: ['2'] };
    const lines = () => {
      const set = cluster.objects.get('/api/v1/namespaces/nodesweep/configmaps/gone') as {
        data?: Record<string, string>;
      };
      return set.data?.['harbor.txt']?.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    };
    const look = async () => (await harbor([...gone, ...account, '--ca-file', 'ca.crt'])).exitCode;
    server.put('team-a', 'apps/web', [{ digest, tags: ['1'] }, other]);
    expect(await look()).toBe(0);
    expect(lines()).toEqual([]);
    server.put('team-a', 'apps/web', [other]);
    const today = new Date().toISOString().slice(0, 10);
    for (const _ of ['found', 'remembered']) {
      expect(await look()).toBe(0);
      expect(lines()).toEqual([`harbor.example.com/team-a/apps/web@${digest} # deleted, seen on ${today}, by harbor`]);
    }
    server.put('team-a', 'apps/web', []);
    expect(await look()).toBe(1);
    expect(lines()).toHaveLength(1);
    await cluster.stop();
  });

  it('goes through the proxy of the environment, which sees no request and no credentials', async () => {
    const proxy = new TunnelProxy();
    await proxy.start();
    const through = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: 'other.example.com' };
    expect((await harbor([...output, ...account, '--ca-file', 'ca.crt'], through)).exitCode).toBe(0);
    expect(new Set(proxy.targets)).toEqual(new Set([`localhost:${server.port}`]));
    expect(proxy.heads.join('')).not.toContain('uthorization');
    await proxy.stop();
  });

  it('sends nothing to a server whose certificate is not trusted', async () => {
    const { stdout, exitCode } = await harbor([...output, ...account]);
    expect(JSON.parse(stdout)).toMatchObject({
      msg: expect.stringContaining('give the certificate of its authority with --ca-file'),
    });
    expect(exitCode).toBe(1);
    expect(server.requests).toEqual([]);
  });

  it('gives up at its deadline, and says so', async () => {
    server.fault = () => 'silent';
    const { stdout, exitCode } = await harbor([...output, ...account, '--ca-file', 'ca.crt', '--timeout', '2s']);
    expect(JSON.parse(stdout)).toMatchObject({ msg: expect.stringContaining('it took longer than 2s (--timeout)') });
    expect(exitCode).toBe(1);
  });

  it.each([
    [['--name', 'a'], 'say which images belong to the set, with --severity or --gone'],
    [['--name', 'a', '--gone', '--fixable', '--output', '-'], '--fixable needs --severity'],
    [['--name', 'a', '--gone', '--output', '-'], '--gone needs the set in the cluster'],
    [[...output, '--username-file', 'username'], 'give both --username-file and --password-file'],
    [['--name', 'a', '--severity', 'worst'], 'It must be a list of CRITICAL, HIGH, MEDIUM, LOW, NEGLIGIBLE, UNKNOWN'],
    [['--name', 'a', '--gone', '--max-gone-percent', '101'], 'It must be a whole number from 0 to 100'],
    [['--name', 'a', '--gone', '--expire', 'never'], 'It must be a whole number with a unit'],
  ])('%j is refused with exit code 2', async (args, message) => {
    const { stderr, exitCode } = await harbor(args);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });

  it.each([
    ['http://harbor.example.com', [], 'would not be encrypted: use https://, or allow it with --allow-http'],
    ['https://user:secret@harbor.example.com', [], 'put them into files'],
    ['harbor.example.com', [], 'must begin with https://'],
    ['https://harbor.example.com/?a=b', [], 'has more than a host and a path'],
    ['https://harbor.example.com', ['--ca-file', 'missing.crt'], "the certificates in missing.crt can't be read"],
    ['https://harbor.example.com', ['--ca-file', 'username'], 'has no certificate in PEM'],
    ['https://harbor.example.com', ['--registry', 'harbor'], 'is not the host of a registry'],
  ])('the address %s with %j is refused with exit code 2', async (address, args, message) => {
    const { stdout, exitCode } = await runProgram(['set', 'harbor', address, ...output, ...args], directory);
    expect(JSON.parse(stdout)).toMatchObject({ level: 'error', msg: expect.stringContaining(message) });
    expect(stdout).not.toContain('secret');
    expect(exitCode).toBe(2);
  });
});
