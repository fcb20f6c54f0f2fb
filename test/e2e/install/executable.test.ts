import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../../package.json' with { type: 'json' };
import { isFinished } from '../../../scheduler/run/run.ts';
import { buildBinaries } from '../../cluster/binaries.ts';
import { waitFor } from '../../cluster/wait.ts';
import { buildContainer, buildImage, buildSimulatedNode, simulatedCrictl } from '../../fixtures/simulated/node.ts';
import { LocalHost } from '../../helpers/local-host.ts';
import { manifests } from './helm.ts';

const top = join(import.meta.dirname, '../../..');

describe('the executable for this platform', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nodesweep-executable-'));
    await execa(process.execPath, ['executable.config.ts', directory], { cwd: top });
    await symlink('nodesweep', join(directory, 'kubectl-nodesweep'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  /** Starts an executable that finds no Node.js. */
  const start = (file: string, ...words: readonly string[]) =>
    execa(file, words, { cwd: directory, extendEnv: false, env: { PATH: `${directory}${delimiter}/bin` } });
  /** Starts it with the simulated crictl, which needs Node.js. */
  const startLocal = (host: LocalHost) => {
    const words = [
      '--policies',
      host.policies,
      '--state',
      host.state,
      '--endpoint',
      `node-1=${host.endpoint('node-1')}`,
    ];
    const env = { CRICTL: simulatedCrictl, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) };
    return execa('./nodesweep', ['local', ...words], { cwd: directory, env, reject: false });
  };

  it('starts without Node.js, and tells its version', async () => {
    expect((await start('./nodesweep', 'version', '--client')).stdout).toBe(`nodesweep ${manifest.version}`);
  });

  it('checks policies', async () => {
    const { stdout } = await start('./nodesweep', 'lint', join(manifests, 'policies/nightly.yaml'));
    expect(stdout).toContain('valid');
  });

  it('cleans a machine as local, with cleaners that it starts itself', async () => {
    const web = buildImage('docker.io/library/web:1');
    const old = buildImage('docker.io/library/old:1');
    const host = await LocalHost.create({
      'node-1': buildSimulatedNode({ images: [web, old], containers: [buildContainer(web)] }),
    });
    await host.writePolicy('nightly', { schedule: '0 3 * * *', images: { keepSideLoaded: false } }, 'now');
    const local = startLocal(host);
    const run = await waitFor('the run', 120_000, async () => (await host.runs()).find(isFinished));
    const left = host.imagesOf('node-1');
    local.kill('SIGTERM');
    const { exitCode } = await local;
    await host.remove();
    expect(run.phase).toBe('Succeeded');
    expect(left).toEqual(['docker.io/library/web:1']);
    expect(exitCode).toBe(0);
  });

  it('is a plugin of kubectl, with its words completed', async () => {
    const kubectl = join((await buildBinaries()).kubernetes, 'kubectl');
    expect((await start(kubectl, 'nodesweep', 'run', '--help')).stdout).toContain('Usage: kubectl nodesweep run ');
    const { stdout } = await start(kubectl, '__complete', 'nodesweep', 'cl');
    expect(stdout.split('\n')).toEqual([expect.stringMatching(/^clean\t/), ':4']);
  });
});
