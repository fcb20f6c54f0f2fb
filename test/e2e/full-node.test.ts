import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { waitFor } from '../cluster/wait.ts';
import { type Installation, install, keepEvidence } from './installation.ts';
import { buildBoundPod, buildPolicy, namespace, waitForRun } from './objects.ts';

const images = { include: ['registry.test/nothing/**'] };
const nodes = { matchLabels: { 'nodesweep.io/test-node': 'node-1' } };

describe.skipIf(process.env.KUBECONFIG !== undefined)('on a node of a real kubelet that is full', () => {
  let installation: Installation;
  let image: string;

  beforeAll(async () => {
    installation = await install();
    const path = 'jsonpath={.spec.template.spec.containers[0].image}';
    image = await installation.kubectl('get', 'deployment/nodesweep-scheduler', '-n', namespace, '-o', path);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await keepEvidence(installation, task.name);
  });
  afterAll(async () => {
    await installation.kubectl('delete', 'pods', '-n', 'default', '--all', '--grace-period=1');
  });

  const allocatable = async (resource: string) => {
    const path = `jsonpath={.status.allocatable.${resource}}`;
    return Number((await installation.kubectl('get', 'node', 'node-1', '-o', path)).replace('m', 'e-3'));
  };
  const startNeighbour = async (name: string, resources: object) => {
    await installation.apply(buildNeighbour(name, image, resources));
    const ready = ['wait', '-n', 'default', `pod/${name}`, '--for=condition=Ready', '--timeout=60s'];
    await installation.kubectl(...ready);
  };
  const stateOf = (name: string) =>
    installation.kubectl('get', 'pod', '-n', 'default', name, '-o', 'jsonpath={.status.phase} {.status.reason}');
  const run = (name: string, document: object) => {
    onTestFinished(async () => {
      await installation.kubectl('delete', 'configmap', '-n', namespace, name);
    });
    const policy = { schedule: '@yearly', nodes, images, ...document };
    return installation.apply(buildPolicy(name, policy, { 'nodesweep.io/run-at': 'now' }));
  };

  it('without free CPUs, the cleaner runs, and the pod that requested them continues (H1, H2)', async () => {
    // The pods of the system have requests too: the neighbour takes what they leave.
    const path = 'jsonpath={range .items[*]}{.spec.containers[0].resources.requests.cpu}{"\\n"}{end}';
    const selector = '--field-selector=spec.nodeName=node-1,status.phase!=Succeeded,status.phase!=Failed';
    const requests = await installation.kubectl('get', 'pods', '-A', selector, '-o', path);
    const taken = requests.split('\n').reduce((sum, text) => sum + millicores(text), 0);
    const cpu = `${Math.floor((await allocatable('cpu')) * 1000) - taken}m`;
    const all = { cpu, memory: '32Mi' };
    await startNeighbour('guaranteed', { requests: all, limits: all });
    await run('cpu-full', {});
    expect(await waitForRun(installation.kubectl, 'cpu-full')).toMatchObject({
      phase: 'Succeeded',
      nodes: { desired: 1, succeeded: 1 },
    });
    expect(await stateOf('guaranteed')).toBe('Running ');
    await installation.kubectl('delete', 'pod', '-n', 'default', 'guaranteed', '--grace-period=1');
  });

  it('with its maximum of pods, the node is NodeFull, and no pod is ended for the cleaner (H1, H3)', async () => {
    const count = async () => {
      const selector = '--field-selector=spec.nodeName=node-1,status.phase!=Succeeded,status.phase!=Failed';
      return (await installation.kubectl('get', 'pods', '-A', selector, '-o', 'name')).split('\n').filter(Boolean)
        .length;
    };
    await startNeighbour('small', {});
    const before = await allocatable('pods');
    const free = before - (await count());
    // Pods that wait for a volume take places as well, and cost the machine nothing.
    const fillers = Array.from({ length: free }, (_, index) => buildFiller(`filler-${index}`));
    await installation.apply(...fillers);
    await waitFor('the node to be full', 60_000, async () => (await count()) >= before || undefined);
    await run('pods-full', { activeDeadlineSeconds: 45, rollout: { restartLimit: 0 } });
    const ended = await waitForRun(installation.kubectl, 'pods-full');
    expect(ended.problems).toMatchObject([
      { node: 'node-1', reason: 'NodeFull', message: expect.stringMatching(/^OutOfpods: .*pods/) },
    ]);
    expect(await stateOf('small')).toBe('Running ');
    expect(await count()).toBe(before);
  });
});

function millicores(text: string): number {
  return text.endsWith('m') ? Number(text.slice(0, -1)) : Number(text || 0) * 1000;
}

/** A pod that runs until it is deleted, of the image that is there. */
function buildNeighbour(name: string, image: string, resources: object): object {
  const command = ['node', '-e', 'setInterval(() => {}, 1000)'];
  return buildBoundPod('node-1', name, {
    restartPolicy: 'Never',
    containers: [{ name: 'main', image, imagePullPolicy: 'Never', command, resources }],
  });
}

/** A pod that waits for a volume for ever. */
function buildFiller(name: string): object {
  return buildBoundPod('node-1', name, {
    restartPolicy: 'Never',
    containers: [{ name: 'main', image: '127.0.0.1:9/absent:1', imagePullPolicy: 'Never' }],
    volumes: [{ name: 'absent', configMap: { name: 'absent' } }],
  });
}
