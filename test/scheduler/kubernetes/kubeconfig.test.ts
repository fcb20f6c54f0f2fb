import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadKubeconfig } from '../../../scheduler/kubernetes/kubeconfig.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-kubeconfig-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Writes a kubeconfig with a cluster, a user and a context for each name. The first is the current one. */
async function write(file: string, ...names: readonly string[]): Promise<string> {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': names[0],
    clusters: names.map((name) => ({ name, cluster: { server: `https://${file}.example.com/${name}` } })),
    users: names.map((name) => ({ name, user: {} })),
    contexts: names.map((name) => ({ name, context: { cluster: name, user: name } })),
  };
  const path = join(directory, file);
  await writeFile(path, JSON.stringify(config));
  return path;
}

const load = (flags: Parameters<typeof loadKubeconfig>[0], environment: Readonly<Record<string, string>> = {}) =>
  loadKubeconfig(flags, { HOME: directory, ...environment }).getCurrentCluster()?.server;

describe('the cluster of a command', () => {
  it('is that of --kubeconfig and --context, before that of KUBECONFIG', async () => {
    const [one, two] = [await write('one', 'a', 'b'), await write('two', 'c')];
    expect(load({}, { KUBECONFIG: two })).toBe('https://two.example.com/c');
    expect(load({ kubeconfig: one }, { KUBECONFIG: two })).toBe('https://one.example.com/a');
    expect(load({ kubeconfig: one, context: 'b' })).toBe('https://one.example.com/b');
  });

  it('comes from several files of KUBECONFIG as for kubectl: the first wins, and missing ones do not matter', async () => {
    const [one, two] = [await write('one', 'a', 'b'), await write('two', 'c', 'b')];
    const environment = { KUBECONFIG: [join(directory, 'none'), one, two].join(':') };
    expect(load({}, environment)).toBe('https://one.example.com/a');
    expect(load({ context: 'b' }, environment)).toBe('https://one.example.com/b');
    expect(load({ context: 'c' }, environment)).toBe('https://two.example.com/c');
  });

  it('is missed with the next step to take', async () => {
    const one = await write('one', 'a', 'production');
    const none = join(directory, 'none');
    expect(() => load({})).toThrow(/^no cluster is configured: there is no .*\.kube\/config, .*--kubeconfig FILE/);
    expect(() => load({ kubeconfig: none })).toThrow(`there is no kubeconfig ${none}; check the path`);
    expect(() => load({}, { KUBECONFIG: none })).toThrow(/which KUBECONFIG names; correct it/);
    expect(() => load({ kubeconfig: one, context: 'prodution' })).toThrow(
      'there is no context prodution, did you mean production?; the contexts are: a, production',
    );
    expect(() => load({ context: 'a' }, { KUBERNETES_SERVICE_HOST: '10.0.0.1' })).toThrow(
      /--context needs a kubeconfig/,
    );
  });
});
