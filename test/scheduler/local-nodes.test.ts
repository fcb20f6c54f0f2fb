import { expect, test } from 'vitest';
import { localNodes } from '../../scheduler/local-nodes.ts';

test('endpoints become nodes with their socket and a state directory', () => {
  const endpoints = ['east=unix:///run/east.sock', 'west=/run/containerd/containerd.sock'];
  expect(localNodes(endpoints, 'host', '/state').map(({ name, runtime }) => ({ name, ...runtime }))).toEqual([
    { name: 'east', socket: '/run/east.sock', stateDirectory: '/state/nodes/east' },
    // A runtime at its usual place has its history, and its disk measured, beside its images.
    { name: 'west', socket: '/run/containerd/containerd.sock', stateDirectory: '/var/lib/containerd/nodesweep' },
  ]);
});

test('everything that is wrong with endpoints is said at once', () => {
  const endpoints = ['/run/a.sock', 'b=tcp://b:1', '../c=unix:///run/c.sock', 'd=/run/d.sock', 'd=/run/e.sock'];
  expect(() => localNodes(endpoints, 'host', '/state')).toThrow(
    [
      'endpoint "/run/a.sock" is not written like web=unix:///run/web.sock',
      'endpoint "b=tcp://b:1" is not written like web=unix:///run/web.sock',
      'endpoint "../c=unix:///run/c.sock": "../c" must be lower-case letters, digits, dots and dashes',
      '"d" names more than one endpoint',
    ].join('; '),
  );
});
