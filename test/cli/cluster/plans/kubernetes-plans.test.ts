import { afterEach, beforeEach, expect, it } from 'vitest';
import { openPlans } from '../../../../cli/cluster/plans/kubernetes-plans.ts';
import { LoopbackApi } from '../../../helpers/loopback-api.ts';

const pods = '/api/v1/namespaces/nodesweep/pods';
const hourMs = 3_600_000;

let server: LoopbackApi;

beforeEach(async () => {
  server = new LoopbackApi();
  await server.start();
  server.put('/apis/apps/v1/namespaces/nodesweep/deployments', 'nodesweep', {
    metadata: {
      labels: { 'app.kubernetes.io/name': 'nodesweep', 'app.kubernetes.io/component': 'scheduler' },
    },
    spec: { template: { spec: { containers: [{ name: 'scheduler', image: 'registry.test/nodesweep:1' }] } } },
  });
});
afterEach(() => server.stop());

/** Puts the pod of a plan that was made so long ago, by the clock of the API server. */
function putPlan(name: string, ageMs: number, phase = 'Succeeded'): void {
  const creationTimestamp = new Date(Date.now() + server.clockOffsetMs - ageMs).toISOString();
  server.put(pods, name, {
    metadata: { labels: { 'nodesweep.io/kind': 'plan' }, creationTimestamp },
    status: { phase },
  });
}

it('the times of image sets are those that a run would tell its cleaners (S6)', async () => {
  const maps = '/api/v1/namespaces/nodesweep/configmaps';
  const put = (name: string, kind: string, metadata: object) =>
    server.put(maps, name, { metadata: { labels: { 'nodesweep.io/kind': kind }, ...metadata } });
  const annotations = { 'nodesweep.io/updated-at': '2026-03-01T01:00:00+01:00' };
  for (const name of ['one', 'two', 'three', 'four']) put(name, 'image-set', { annotations });
  put('changed', 'image-set', { creationTimestamp: '2026-02-01T00:00:00Z' });
  put('unknown', 'image-set', { annotations: { 'nodesweep.io/updated-at': 'today' } });
  put('policy', 'policy', { annotations });
  const plans = await openPlans(server.config, 'nodesweep');
  const names = ['one', 'four', 'changed', 'unknown', 'policy', 'missing'];
  expect(await plans.readSetTimes(names)).toEqual({
    one: '2026-03-01T00:00:00.000Z',
    four: '2026-03-01T00:00:00.000Z',
    changed: '2026-02-01T00:00:00.000Z',
    unknown: '',
  });
});

it.each([0, -3 * hourMs, 3 * hourMs])(
  'plans of an hour ago are leftovers by the clock of the API server, though it differs by %i ms (H34)',
  async (offsetMs) => {
    server.clockOffsetMs = offsetMs;
    putPlan('old', 1.1 * hourMs);
    putPlan('of-now', 0.9 * hourMs);
    putPlan('at-work', 2 * hourMs, 'Running');
    const plans = await openPlans(server.config, 'nodesweep');
    expect(await plans.listLeftovers(hourMs)).toEqual(['old']);
  },
);
