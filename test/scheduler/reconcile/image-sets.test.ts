import { beforeEach, describe, expect, it } from 'vitest';
import type { ImageSet } from '../../../scheduler/sets/image-set.ts';
import { secondsLater, start } from '../../helpers/builders.ts';
import { ManualScheduler } from '../../helpers/reconcile.ts';

const hour = 3_600;

let scheduler: ManualScheduler;
beforeEach(() => {
  scheduler = new ManualScheduler();
});

function putSets(...sets: readonly Partial<ImageSet>[]): void {
  const content = { kind: 'Readable', bytes: 90, entries: 1, invalidLines: 0 } as const;
  const all = sets.map((set): ImageSet => ({ name: 'frozen', version: '1', updatedAt: start, content, ...set }));
  scheduler.cluster.imageSets = {
    place: 'in namespace nodesweep',
    byName: new Map(all.map((set) => [set.name, set])),
  };
}

const status = () => scheduler.cluster.state().statuses.get('nightly')?.value;
const condition = () => status()?.conditions?.find(({ type }) => type === 'ImageSets');
const events = () =>
  scheduler.cluster.events
    .filter(({ reason }) => reason.startsWith('ImageSet'))
    .map(({ type, reason, message }) => `${type} ${reason}: ${message}`);

describe('the image sets of a policy', () => {
  it('are no condition of a policy that names none', async () => {
    await scheduler.pass(start);
    expect(condition()).toBeUndefined();
  });

  it('are a condition of a policy that names some, which are all well (S6)', async () => {
    putSets({});
    scheduler.edit({ images: { excludeFrom: ['frozen'] } });
    await scheduler.pass(start);
    expect(condition()).toMatchObject({ status: 'True', reason: 'AllReadable' });
    expect(events()).toEqual([]);
  });

  it('that are missing are a problem with the path of the field, and the policy stays valid and runs (S6)', async () => {
    scheduler.edit({ images: { removeFrom: ['cve'], excludeFrom: ['frozen'] } });
    putSets({ name: 'cve' });
    await scheduler.pass(start);
    expect(condition()).toMatchObject({ status: 'False', reason: 'SetMissing' });
    expect(condition()?.message).toMatch(
      /^images\.excludeFrom\[0\]: image set frozen does not exist in namespace nodesweep: create a ConfigMap /,
    );
    expect(status()).toMatchObject({ valid: true, problems: [] });
    expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0']);
  });

  it('are told once when a problem begins, and once when all are well, also after a restart (S6)', async () => {
    scheduler.edit({ images: { excludeFrom: ['frozen'] } });
    for (let pass = 0; pass < 3; pass += 1) {
      await scheduler.pass(secondsLater(pass));
      scheduler.restart();
    }
    expect(events()).toEqual([expect.stringMatching(/^Warning ImageSetProblem: images\.excludeFrom\[0\]: image set /)]);
    putSets({});
    for (let pass = 3; pass < 6; pass += 1) {
      await scheduler.pass(secondsLater(pass));
      scheduler.restart();
    }
    expect(events().slice(1)).toEqual(['Normal ImageSetsReadable: all image sets of the policy can be read again']);
  });

  it('are told again if another set gets a problem, with the new one alone (S6)', async () => {
    putSets({ name: 'other' });
    scheduler.edit({ images: { excludeFrom: ['frozen', 'other'] } });
    await scheduler.pass(start);
    putSets();
    await scheduler.pass(secondsLater(1));
    expect(events()).toHaveLength(2);
    expect(events()[1]).toContain('images.excludeFrom[1]: image set other does not exist');
    expect(events()[1]).not.toContain('frozen');
    expect(condition()?.message).toContain('frozen');
  });

  it('are a problem if they are too large together, with an Event, and the policy stays valid (S6)', async () => {
    const content = { kind: 'Readable', bytes: 9, entries: 30_000, invalidLines: 0 } as const;
    putSets({ content }, { name: 'cve', content });
    scheduler.edit({ images: { excludeFrom: ['frozen'], removeFrom: ['cve'] } });
    await scheduler.pass(start);
    expect(condition()).toMatchObject({ status: 'False', reason: 'SetUnreadable' });
    const message =
      /images\.removeFrom\[0\]: image set cve makes the sets of the policy too large: .* and 60000 lines, /;
    expect(condition()?.message).toMatch(message);
    expect(events()).toEqual([expect.stringMatching(message)]);
    expect(status()).toMatchObject({ valid: true, problems: [] });
    await scheduler.pass(secondsLater(1));
    expect(events()).toHaveLength(1);
  });

  it('become a problem at the instant at which one is too old, although nothing changes (S6)', async () => {
    putSets({ updatedAt: secondsLater(-hour) });
    scheduler.edit({ suspend: true, images: { includeFrom: ['frozen'], maxSetAge: '2h' } });
    const wakeAt = await scheduler.pass(start);
    expect(condition()).toMatchObject({ status: 'True' });
    expect(wakeAt).toEqual(new Date(secondsLater(hour).getTime() + 1));
    await scheduler.pass(wakeAt ?? start);
    expect(condition()).toMatchObject({ status: 'False', reason: 'SetStale' });
    expect(condition()?.message).toContain('is older than images.maxSetAge allows: its last update was at');
  });

  it('keep their state while the policy is not valid, and lose it when the policy names none', async () => {
    scheduler.edit({ images: { excludeFrom: ['frozen'] } });
    await scheduler.pass(start);
    scheduler.edit({ images: { excludeFrom: ['frozen'] }, schedule: 'never' }, '3');
    await scheduler.pass(secondsLater(1));
    expect(condition()).toMatchObject({ status: 'False', reason: 'SetMissing' });
    scheduler.edit({}, '4');
    await scheduler.pass(secondsLater(2));
    expect(condition()).toBeUndefined();
    expect(events()).toHaveLength(1);
  });

  it('are not written to the status again at each pass (S6)', async () => {
    putSets({ updatedAt: secondsLater(-2 * hour) });
    scheduler.edit({ suspend: true, images: { excludeFrom: ['frozen', 'missing'], maxSetAge: '1h' } });
    await scheduler.pass(start);
    const { length } = scheduler.cluster.writes;
    for (let pass = 1; pass < 5; pass += 1) await scheduler.pass(secondsLater(pass * 60));
    expect(scheduler.cluster.writes.slice(length)).toEqual([]);
  });
});

describe('the job of a run', () => {
  it('has the times of the image sets that the policy names and the scheduler sees (S6)', async () => {
    putSets({}, { name: 'other' }, { name: 'unknown', updatedAt: undefined });
    scheduler.edit({ images: { excludeFrom: ['frozen', 'missing', 'unknown'] } });
    await scheduler.pass(start);
    const [job] = [...scheduler.cluster.jobs.values()];
    expect((job as { setTimes: object }).setTimes).toEqual({ frozen: start.toISOString(), unknown: '' });
  });

  it('has no times if the policy names no image sets', async () => {
    putSets({});
    await scheduler.pass(start);
    expect([...scheduler.cluster.jobs.values()][0]).not.toHaveProperty('setTimes');
  });
});
