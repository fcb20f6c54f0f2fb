import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeCleanable } from '../../../scheduler/cleanup/cleanable-nodes.ts';
import { resolveRuntime } from '../../../scheduler/cleanup/node-runtime.ts';
import { buildNode, buildSpec } from '../../helpers/builders.ts';

const none = { sockets: [], stateDirectories: [] };

const k3s = { containerRuntimeVersion: 'containerd://2.1.4-k3s1', kubeletVersion: 'v1.33.1+k3s1', labels: {} };
const rke2 = { containerRuntimeVersion: 'containerd://2.1.4-k3s1', kubeletVersion: 'v1.33.1+rke2r1', labels: {} };
const withArguments = (...words: readonly string[]) => ({
  annotations: { 'k3s.io/node-args': JSON.stringify(['agent', ...words]) },
});

describe('a node of k3s or RKE2', () => {
  it.each([
    ['the usual directory of k3s', k3s, '/var/lib/rancher/k3s'],
    ['the usual directory of RKE2', rke2, '/var/lib/rancher/rke2'],
    ['--data-dir', { ...k3s, ...withArguments('--data-dir', '/data/k3s/') }, '/data/k3s'],
    ['--data-dir with an equals sign', { ...k3s, ...withArguments('--data-dir=/data/k3s') }, '/data/k3s'],
    ['-d', { ...k3s, ...withArguments('-d', '/data/k3s') }, '/data/k3s'],
    ['the last --data-dir', { ...k3s, ...withArguments('--data-dir', '/file', '--data-dir', '/flag') }, '/flag'],
    ['K3S_DATA_DIR', { ...k3s, annotations: { 'k3s.io/node-env': '{"K3S_DATA_DIR":"/env"}' } }, '/env'],
    ['RKE2_DATA_DIR', { ...rke2, annotations: { 'rke2.io/node-env': '{"RKE2_DATA_DIR":"/env"}' } }, '/env'],
    ['no data directory of the other', { ...rke2, ...withArguments('--data-dir', '/data') }, '/var/lib/rancher/rke2'],
    ['--rootless=false', { ...k3s, ...withArguments('--rootless', 'false') }, '/var/lib/rancher/k3s'],
  ])('has its state directory beside the images: %s (H17)', (_, node, directory) => {
    expect(resolveRuntime(node, none)).toEqual({
      socket: '/run/k3s/containerd/containerd.sock',
      stateDirectory: `${directory}/agent/containerd/nodesweep`,
    });
  });

  it('has its state directory above the directories of both if nothing shows which it is (H17)', () => {
    const node = { containerRuntimeVersion: 'containerd://2.1.4-k3s1', labels: {} };
    expect(resolveRuntime(node, none)?.stateDirectory).toBe('/var/lib/rancher/nodesweep');
  });

  it.each([
    ['without root', withArguments('--rootless')],
    ['without root, from a file', withArguments('--rootless', 'true')],
    ['with a relative data directory', withArguments('--data-dir', 'data')],
    ['with a data directory in a home', withArguments('--data-dir', '~/k3s')],
    ['with a data directory that leads upwards', withArguments('--data-dir', '/data/../etc')],
    ['without a value', withArguments('--data-dir')],
    ['with arguments that are no JSON', { annotations: { 'k3s.io/node-args': '[server' } }],
    ['with arguments that are no list', { annotations: { 'k3s.io/node-args': '{}' } }],
    ['with an environment that is no object', { annotations: { 'k3s.io/node-env': '[]' } }],
  ])('is not guessed %s (H17)', (_, annotations) => {
    expect(resolveRuntime({ ...k3s, ...annotations }, none)).toBeUndefined();
    const stateDirectories = [{ path: '/data/nodesweep' }];
    const sockets = [{ path: '/run/a.sock' }];
    expect(resolveRuntime({ ...k3s, ...annotations }, { sockets, stateDirectories })).toEqual({
      socket: '/run/a.sock',
      stateDirectory: '/data/nodesweep',
    });
  });

  it.each([
    [['--container-runtime-endpoint', 'unix:///run/containerd/containerd.sock']],
    [['--container-runtime-endpoint=/run/containerd/containerd.sock']],
    [
      [
        '--container-runtime-endpoint',
        '/run/k3s/containerd/containerd.sock',
        '--container-runtime-endpoint=/run/a.sock',
      ],
    ],
    [['--kubelet-arg', 'container-runtime-endpoint=unix:///run/containerd/containerd.sock']],
    [['--kubelet-arg=container-runtime-endpoint=unix:///run/containerd/containerd.sock']],
  ])('with another containerd is not guessed: %j (H17)', (words) => {
    const node = { ...k3s, containerRuntimeVersion: 'containerd://1.7.27', ...withArguments(...words) };
    expect(resolveRuntime(node, none)).toBeUndefined();
    const sockets = [{ path: '/run/a.sock' }];
    const stateDirectories = [{ path: '/data/nodesweep' }];
    expect(resolveRuntime(node, { sockets, stateDirectories })?.socket).toBe('/run/a.sock');
  });

  it.each([
    ['is not guessed at an unusual socket', ['--docker', '--container-runtime-endpoint', '/run/a.sock'], undefined],
    ['has the usual socket', ['--docker'], '/var/run/docker.sock'],
    [
      'has the usual socket by its other name',
      ['--docker', '--container-runtime-endpoint', 'unix:///run/docker.sock'],
      '/var/run/docker.sock',
    ],
    [
      'has the usual socket behind a cri-dockerd of its own',
      ['--container-runtime-endpoint', '/run/cri-dockerd.sock'],
      '/var/run/docker.sock',
    ],
  ])('with Docker %s (H17)', (_, words, socket) => {
    const node = { ...k3s, containerRuntimeVersion: 'docker://28.0.1', ...withArguments(...words) };
    expect(resolveRuntime(node, none)?.socket).toBe(socket);
  });
});

it.each(['', 'frakti://1', 'containerd', 'Containerd://2.1.0'])(
  'a runtime that calls itself "%s" has no socket (H17)',
  (version) => {
    expect(resolveRuntime({ containerRuntimeVersion: version, labels: {} }, none)).toBeUndefined();
  },
);

it('an unknown runtime has no socket (H17)', () => {
  expect(resolveRuntime({ containerRuntimeVersion: 'rkt://1', labels: {} }, none)).toBeUndefined();
});

it('an override takes precedence over the preset, for the nodes with its label', () => {
  const sockets = [{ path: '/run/gpu.sock', label: { key: 'pool', value: 'gpu' } }];
  const node = { containerRuntimeVersion: 'containerd://2.1.0', labels: { pool: 'gpu' } };
  expect(resolveRuntime(node, { ...none, sockets })?.socket).toBe('/run/gpu.sock');
  expect(resolveRuntime({ ...node, labels: {} }, { ...none, sockets })?.socket).toBe('/run/containerd/containerd.sock');
});

it('the directory of a node of k3s is a plain absolute path, whatever its arguments and environment are (H17)', () => {
  const flag = fc.constantFrom('--data-dir', '-d', '--data-dir=', '--rootless', '--docker', '--kubelet-arg', 'server');
  const path = fc
    .array(fc.constantFrom('/', '/data', '/..', '/.', 'k3s', '~', ' ', '\0'))
    .map((parts) => parts.join(''));
  const words = fc.array(fc.oneof(flag, path, fc.string()));
  const annotation = fc.oneof(
    words.map((value) => JSON.stringify(value)),
    fc.json(),
    fc.string(),
  );
  const environment = fc.oneof(
    path.map((value) => JSON.stringify({ K3S_DATA_DIR: value })),
    fc.json(),
    fc.string(),
  );
  fc.assert(
    fc.property(annotation, environment, (args, env) => {
      const annotations = { 'k3s.io/node-args': args, 'k3s.io/node-env': env };
      const { stateDirectory, socket } = resolveRuntime({ ...k3s, annotations }, none) ?? {};
      if (stateDirectory === undefined) return;
      expect(socket).toBe('/run/k3s/containerd/containerd.sock');
      expect(stateDirectory).toMatch(/^\/.*\/agent\/containerd\/nodesweep$/s);
      expect(posix.normalize(stateDirectory)).toBe(stateDirectory);
      expect(stateDirectory).not.toContain('\0');
    }),
  );
});

it('a node without a known runtime is skipped, and the message names both settings that it needs (H17)', () => {
  const node = buildNode('a', { runtime: undefined, containerRuntimeVersion: 'rkt://1' });
  expect(judgeCleanable(node, buildSpec({}).nodes)).toEqual({
    verdict: 'Ineligible',
    reason: 'UnknownRuntime',
    message: expect.stringMatching(/"rkt:\/\/1".*NODESWEEP_SOCKETS.*NODESWEEP_STATE_DIRECTORIES/),
  });
});
