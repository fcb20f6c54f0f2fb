import { expect, test } from 'vitest';
import { localNodes } from '../../../scheduler/local/nodes.ts';

test('endpoints become nodes with their socket and a state directory', () => {
  const endpoints = [
    'east=unix:///run/east.sock',
    'west=/run/containerd/containerd.sock',
    'docker=unix:///var/run/docker.sock',
  ];
  expect(localNodes(endpoints, 'host', '/state').map(({ name, runtime }) => ({ name, ...runtime }))).toEqual([
    { name: 'east', socket: '/run/east.sock', stateDirectory: '/state/nodes/east' },
    // A runtime at its usual place has its history, and its disk measured, beside its images.
    { name: 'west', socket: '/run/containerd/containerd.sock', stateDirectory: '/var/lib/containerd/nodesweep' },
    { name: 'docker', socket: '/var/run/docker.sock', stateDirectory: '/var/lib/docker/nodesweep' },
  ]);
});

const containerd = '/run/containerd/containerd.sock';
const docker = '/var/run/docker.sock';

test.each([
  ['of the only runtime', [containerd], containerd],
  ['of Docker Engine if it is the only one', [docker], docker],
  ['of Docker Engine, and not of the containerd that it includes', [containerd, docker], docker],
  [
    "of the kubelet's runtime, if there is a kubelet beside Docker Engine",
    [containerd, docker, '/var/lib/kubelet'],
    containerd,
  ],
])('without endpoints the socket is that %s', (_, files, socket) => {
  const [node] = localNodes([], 'host', '/state', (path) => files.includes(path));
  expect(node?.runtime?.socket).toBe(socket);
});

test('the error for a machine without any runtime lists the sockets that were checked', () => {
  expect(() => localNodes([], 'host', '/state', () => false)).toThrow(/known socket \(.*\/var\/run\/docker\.sock\)/);
});

test('all problems of endpoints are reported at once', () => {
  const endpoints = ['/run/a.sock', 'b=tcp://b:1', '../c=unix:///run/c.sock', 'd=/run/d.sock', 'd=/run/e.sock'];
  expect(() => localNodes(endpoints, 'host', '/state')).toThrow(
    [
      'endpoint "/run/a.sock" is not written like web=unix:///run/web.sock',
      'endpoint "b=tcp://b:1" is not written like web=unix:///run/web.sock',
      'endpoint "../c=unix:///run/c.sock": "../c" must consist of lower-case letters, digits, dots and dashes',
      '"d" names more than one endpoint',
    ].join('; '),
  );
});
