import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LoopbackScheduler, maps } from '../../helpers/loopback-scheduler.ts';

let scheduler: LoopbackScheduler;

beforeEach(async () => {
  scheduler = await LoopbackScheduler.start();
  for (const name of ['nightly', 'other']) scheduler.putPolicy(name);
  await vi.waitFor(() => expect(policies()).toEqual(['nightly', 'other']));
  await scheduler.pass();
});
afterEach(() => scheduler.stop());

const policies = () =>
  scheduler.cluster
    .state()
    .policies.map(({ name }) => name)
    .sort();
const has = (name: string) => scheduler.server.objects.has(`${maps}/${name}`);

/** Deletes a policy as `kubectl delete --cascade=orphan` does: the garbage collector takes away the references to it. */
async function deleteWithoutDependents(policy: string): Promise<void> {
  scheduler.server.remove(maps, policy);
  for (const [path, object] of scheduler.server.objects) {
    const { ownerReferences, ...metadata } = object.metadata;
    if (ownerReferences?.[0]?.name !== policy) continue;
    scheduler.server.put(maps, path.slice(maps.length + 1), { ...object, metadata });
  }
  await vi.waitFor(() => expect(scheduler.cluster.state().orphanedStatuses).toMatchObject([{ policy }]));
}

describe('the status of a policy', () => {
  it('of a policy that was deleted without its dependents is deleted with its records after half a minute (C31, H41)', async () => {
    await deleteWithoutDependents('nightly');
    expect(await scheduler.pass(0)).toMatchObject({ nightly: 30 });
    await scheduler.pass(29);
    expect(has('nightly.status')).toBe(true);
    await scheduler.pass(31);
    expect([...scheduler.server.objects.keys()].filter((path) => path.includes('/nightly'))).toEqual([]);
    expect(has('other.status')).toBe(true);
    expect(await scheduler.pass(32)).not.toHaveProperty('nightly');
  });

  it('is kept if the policy is created again in time', async () => {
    await deleteWithoutDependents('nightly');
    await scheduler.pass(0);
    scheduler.putPolicy('nightly');
    await vi.waitFor(() => expect(policies()).toEqual(['nightly', 'other']));
    await scheduler.pass(40);
    await scheduler.pass(80);
    expect(has('nightly.status')).toBe(true);
  });

  it('is kept while the policy exists without its label: no scheduled time runs again with the label (C7, H41)', async () => {
    const policy = scheduler.server.objects.get(`${maps}/nightly`);
    const { labels: _, ...metadata } = policy?.metadata ?? {};
    // An object that a selector does not match any more is DELETED to its watch.
    scheduler.server.remove(maps, 'nightly');
    scheduler.server.put(maps, 'nightly', { ...policy, metadata });
    await vi.waitFor(() => expect(policies()).toEqual(['other']));
    await scheduler.pass(0);
    await scheduler.pass(40);
    await scheduler.pass(120);
    expect(has('nightly.status')).toBe(true);
    scheduler.putPolicy('nightly');
    await vi.waitFor(() => expect(policies()).toEqual(['nightly', 'other']));
    await scheduler.pass(121);
    expect(scheduler.cluster.state().runs.filter(({ value }) => value.policy === 'nightly')).toEqual([]);
  });

  it('is kept if it changed meanwhile, because a new policy of that name may have written it', async () => {
    await deleteWithoutDependents('nightly');
    const [orphan] = scheduler.cluster.state().orphanedStatuses ?? [];
    if (orphan === undefined) throw new Error('no status without a policy');
    await scheduler.cluster.deleteOrphanedStatus({ ...orphan, resourceVersion: '1' });
    await scheduler.cluster.deleteOrphanedStatus({ ...orphan, uid: 'another' });
    expect(has('nightly.status')).toBe(true);
    await scheduler.cluster.deleteOrphanedStatus(orphan);
    expect(has('nightly.status')).toBe(false);
  });

  it('without any reference to a policy is kept', async () => {
    scheduler.server.put(maps, 'odd', { metadata: { labels: { 'nodesweep.io/kind': 'status' } }, data: {} });
    await vi.waitFor(() => expect(scheduler.cluster.state().statuses.has('')).toBe(true));
    expect(scheduler.cluster.state().orphanedStatuses).toEqual([]);
  });
});
