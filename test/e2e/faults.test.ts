import { afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { waitFor } from '../cluster/wait.ts';
import { type Installation, install, keepEvidence, startTimeoutSeconds } from './installation.ts';
import { buildPolicy, getJson, type Kubectl, namespace, readPodNodes, readRuns, waitForRun } from './objects.ts';
import { killScheduler, setEnvironment } from './scheduler-pod.ts';

const nothing = { include: ['registry.test/nothing/**'] };
let installation: Installation;

beforeAll(async () => {
  installation = await install();
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await keepEvidence(installation, task.name);
});

async function countNodes(kubectl: Kubectl): Promise<number> {
  return JSON.parse(await kubectl('get', 'nodes', '-o', 'json')).items.length;
}

describe('a scheduler that is killed while it creates pods', () => {
  it('continues the run after its restart: one run, one pod on each node (C10, C15)', async () => {
    const { kubectl, apply } = installation;
    const policy = { schedule: '@yearly', rollout: { parallelism: 1 }, images: nothing };
    await apply(buildPolicy('killed', policy, { 'nodesweep.io/run-at': 'now' }));
    await waitFor(
      'the first pod',
      20_000,
      async () => (await readPodNodes(kubectl, 'killed')).length === 1 || undefined,
    );
    await killScheduler(installation);
    expect(await waitForRun(kubectl, 'killed')).toMatchObject({ phase: 'Succeeded' });
    expect(await readRuns(kubectl, 'killed')).toHaveLength(1);
    const nodes = await readPodNodes(kubectl, 'killed');
    expect(nodes).toHaveLength(await countNodes(kubectl));
    expect(new Set(nodes).size).toBe(nodes.length);
    await kubectl('delete', 'configmap', '-n', namespace, 'killed');
  });
});

describe.skipIf(process.env.KUBECONFIG !== undefined)('a node whose runtime has no socket', () => {
  it('is reported as failed with the reason, and the other one is cleaned (C17)', async () => {
    const { kubectl, apply } = installation;
    const missing = 'NODESWEEP_SOCKETS=/run/missing.sock@nodesweep.io/test-node=node-2';
    await setEnvironment(kubectl, missing);
    onTestFinished(() => setEnvironment(kubectl, 'NODESWEEP_SOCKETS-'));
    await apply(buildPolicy('socketless', { schedule: '@yearly', images: nothing }, { 'nodesweep.io/run-at': 'now' }));
    const run = await waitForRun(kubectl, 'socketless');
    expect(run).toMatchObject({ phase: 'Failed', reason: 'NodesFailed', nodes: { succeeded: 1, failed: 1 } });
    expect(run.problems).toMatchObject([{ node: 'node-2', reason: 'NotStarted' }]);
    expect(run.problems[0]?.message).toMatch(
      new RegExp(`did not start within ${startTimeoutSeconds} s: FailedMount: .*/run/missing.sock is not a socket`),
    );
    await waitFor('the pod that could not start to go', 60_000, async () => {
      const { items } = await getJson(kubectl, 'pods', 'nodesweep.io/policy=socketless');
      return items.length === 1 || undefined;
    });
    await kubectl('delete', 'configmap', '-n', namespace, 'socketless');
  });
});
