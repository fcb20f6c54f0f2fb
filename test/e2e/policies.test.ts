import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../cluster/wait.ts';
import { type Installation, install, keepEvidence } from './installation.ts';
import { buildPolicy, getJson, namespace, readEvents, readPodNodes, readRuns, waitForRun } from './objects.ts';

const nothing = { include: ['registry.test/nothing/**'] };
let installation: Installation;

beforeAll(async () => {
  installation = await install();
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await keepEvidence(installation, task.name);
});

describe('a policy that is not valid', () => {
  it('gets an event that names each problem with its path, and the valid one beside it runs (C3, C40)', async () => {
    const { kubectl, apply } = installation;
    await apply(
      buildPolicy('bad-cron', { schedule: '61 * * * *' }),
      buildPolicy('unknown-key', { schedule: '@daily', rollout: { paralelism: 1 } }),
      buildPolicy('wrong-type', { schedule: '@daily', suspend: 'yes' }),
      buildPolicy('two-problems', { schedule: '@never', ttlSecondsAfterFinished: -1 }),
      buildPolicy('good', { schedule: '@yearly', images: nothing }, { 'nodesweep.io/run-at': 'now' }),
    );
    const expected: Record<string, RegExp> = {
      'bad-cron': /^schedule: minute: 61/,
      'unknown-key': /^rollout\.paralelism: is not a known field/,
      'wrong-type': /^suspend: must be true or false; write true, without quotes/,
      'two-problems': /^schedule: unknown descriptor.*; ttlSecondsAfterFinished: /,
    };
    for (const [policy, message] of Object.entries(expected)) {
      const events = await waitFor(`an event on ${policy}`, 10_000, async () => {
        const all = await readEvents(kubectl, policy);
        return all.length > 0 ? all : undefined;
      });
      expect(events).toMatchObject([{ reason: 'InvalidPolicy', message: expect.stringMatching(message) }]);
    }
    expect(await waitForRun(kubectl, 'good')).toMatchObject({ phase: 'Succeeded' });
    await kubectl('delete', 'configmap', '-n', namespace, 'good', ...Object.keys(expected));
  });
});

describe('deleting a policy', () => {
  it('removes its pods, its records and its status (C31)', async () => {
    const { kubectl, apply } = installation;
    await apply(buildPolicy('short-lived', { schedule: '@yearly', images: nothing }, { 'nodesweep.io/run-at': 'now' }));
    await waitForRun(kubectl, 'short-lived');
    expect(await readPodNodes(kubectl, 'short-lived')).not.toEqual([]);
    await kubectl('delete', 'configmap', '-n', namespace, 'short-lived');
    await waitFor('all that the policy left', 60_000, async () => {
      const left = await getJson(kubectl, 'configmaps,pods', 'nodesweep.io/policy=short-lived');
      return left.items.length === 0 || undefined;
    });
    expect(await readRuns(kubectl, 'short-lived')).toEqual([]);
  });
});
