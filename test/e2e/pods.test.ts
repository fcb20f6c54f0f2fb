import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { waitFor } from '../cluster/wait.ts';
import { type Installation, install, keepEvidence, startTimeoutSeconds } from './installation.ts';
import { buildPolicy, getJson, namespace, readRuns, waitForRun } from './objects.ts';
import { killScheduler, setEnvironment } from './scheduler-pod.ts';

const images = { include: ['registry.test/nothing/**'] };
const nodes = { matchLabels: { 'nodesweep.io/test-node': 'node-2' } };
const socket = '/run/silent.sock';

describe.skipIf(process.env.KUBECONFIG !== undefined)('a cleaner pod on a real kubelet', () => {
  let installation: Installation;
  let silent: Server;

  beforeAll(async () => {
    installation = await install();
    silent = await listenInSilence(installation);
    await setEnvironment(installation.kubectl, `NODESWEEP_SOCKETS=${socket}@nodesweep.io/test-node=node-2`);
  });
  afterAll(async () => {
    await setEnvironment(installation.kubectl, 'NODESWEEP_SOCKETS-');
    silent.close();
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await keepEvidence(installation, task.name);
  });

  const run = (name: string, document: object) => {
    const policy = buildPolicy(name, { schedule: '@yearly', images, ...document }, { 'nodesweep.io/run-at': 'now' });
    onTestFinished(async () => {
      await installation.kubectl('delete', 'configmap', '-n', namespace, name);
    });
    return installation.apply(policy);
  };
  const podsOf = async (policy: string) => {
    const selector = `nodesweep.io/kind=cleaner,nodesweep.io/policy=${policy}`;
    return (await getJson(installation.kubectl, 'pods', selector)).items.map(({ metadata }) => metadata.name);
  };
  const nextPod = (policy: string, known: readonly string[]) =>
    waitFor(`a further pod of ${policy}`, 60_000, async () =>
      (await podsOf(policy)).find((name) => !known.includes(name)),
    );

  it('that takes too long is ended at the deadline of its run, although the scheduler was killed meanwhile (C29)', async () => {
    await run('overdue', { nodes, activeDeadlineSeconds: 20 });
    const pod = await nextPod('overdue', []);
    await killScheduler(installation);
    const ended = await waitForRun(installation.kubectl, 'overdue');
    expect(ended).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded', nodes: { desired: 1, failed: 1 } });
    expect(ended.problems).toMatchObject([{ node: 'node-2', reason: 'DeadlineExceeded' }]);
    await waitFor(`pod ${pod} to end`, 60_000, async () => {
      const options = ['-n', namespace, pod, '--ignore-not-found', '-o', 'jsonpath={.status.phase}'];
      return ['', 'Failed'].includes(await installation.kubectl('get', 'pod', ...options)) || undefined;
    });
    expect(await readRuns(installation.kubectl, 'overdue')).toHaveLength(1);
  });

  it('that somebody deletes is created again, as often as the policy allows (C24)', async () => {
    await run('deleted', { nodes, activeDeadlineSeconds: 120, rollout: { restartLimit: 1 } });
    const deleted: string[] = [];
    for (let round = 0; round < 2; round += 1) {
      const pod = await nextPod('deleted', deleted);
      await installation.kubectl('delete', 'pod', '-n', namespace, pod, '--grace-period=1');
      deleted.push(pod);
    }
    const ended = await waitForRun(installation.kubectl, 'deleted');
    expect(ended).toMatchObject({ phase: 'Failed', reason: 'NodesFailed' });
    expect(ended.problems).toMatchObject([{ node: 'node-2', reason: 'PodDeleted' }]);
    expect(await podsOf('deleted')).toEqual([]);
  });

  it('with an image that cannot be pulled has failed, with the reason, and is deleted (C17)', async () => {
    // Nobody listens on that port of the node itself.
    await setEnvironment(installation.kubectl, 'NODESWEEP_IMAGE=127.0.0.1:9/absent:1');
    onTestFinished(() => setEnvironment(installation.kubectl, 'NODESWEEP_IMAGE-'));
    await run('absent', {});
    const ended = await waitForRun(installation.kubectl, 'absent');
    expect(ended).toMatchObject({ phase: 'Failed', reason: 'NodesFailed', nodes: { succeeded: 0, failed: 2 } });
    for (const { reason, message } of ended.problems) {
      expect(reason).toBe('NotStarted');
      expect(message).toMatch(
        new RegExp(`did not start within ${startTimeoutSeconds} s: .*127\\.0\\.0\\.1:9/absent:1`),
      );
    }
    await waitFor('the pods to go', 60_000, async () => (await podsOf('absent')).length === 0 || undefined);
  });
});

/** Somebody takes calls on a socket of node-2, and answers none of them. */
async function listenInSilence({ cluster }: Installation): Promise<Server> {
  if (cluster === undefined) throw new Error("only a cluster of one's own has a socket that is silent");
  const node = cluster.node('node-2');
  const directory = node.socket.slice(0, -node.socketOnNode.length);
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(join(directory, socket), resolve));
  server.unref();
  return server;
}
