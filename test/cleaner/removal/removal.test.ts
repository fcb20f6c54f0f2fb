import { describe, expect, it } from 'vitest';
import { createJudge } from '../../../cleaner/plan/judge.ts';
import type { Plan } from '../../../cleaner/plan/plan.ts';
import type { Removal } from '../../../cleaner/plan/removal-order.ts';
import { takeLandmarks } from '../../../cleaner/removal/lost-images.ts';
import type { RemovalPorts } from '../../../cleaner/removal/progress.ts';
import { carryOut } from '../../../cleaner/removal/removal.ts';
import { openSpace } from '../../../cleaner/removal/space-freed.ts';
import type { SweepResult } from '../../../cleaner/removal/verify.ts';
import { createLookReader, createUsageReader, type Look, type ReadLook } from '../../../cleaner/runtime/inventory.ts';
import type { Image, RemovalAnswer } from '../../../cleaner/runtime/runtime.ts';
import { StopRequest } from '../../../cleaner/stop.ts';
import type { DiskUsage } from '../../../contract/disk-usage.ts';
import type { JobDocument } from '../../../contract/job.ts';
import {
  buildContainer,
  buildFacts,
  buildImage,
  buildRemoval,
  buildRuntime,
  type FakeRuntime,
} from '../../helpers/inventory.ts';

const images = Array.from({ length: 120 }, (_, index) => buildImage(`a.io/junk:${index}`, { id: `image-${index}` }));
const [first, second, third] = images as [Image, Image, Image];

function buildPlan(chosen: readonly Image[], fields: Partial<Plan> & Pick<Partial<Removal>, 'always'> = {}): Plan {
  const { always = true, ...plan } = fields;
  return { kept: [], removals: chosen.map((image) => buildRemoval(image, { always })), ...plan };
}

function fullDisk(runtime: FakeRuntime): () => Promise<DiskUsage> {
  return async () => {
    const usedBytes = runtime.images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return { capacityBytes: 10_000, usedBytes, availableBytes: 10_000 - usedBytes };
  };
}

function run(plan: Plan, runtime: FakeRuntime, signal = new AbortController().signal): Promise<SweepResult> {
  return carryOut(
    plan,
    {
      runtime,
      readLook: readLookOf(runtime),
      measureDisk: fullDisk(runtime),
      throttle,
      monotonicMs,
      ...judged(),
      onResult: () => undefined,
    },
    signal,
  );
}

function readLookOf(runtime: FakeRuntime): ReadLook {
  return createLookReader(createUsageReader(runtime, undefined), runtime);
}

const never = new AbortController().signal;
const throttle = async () => false;
const sleep = async () => undefined;
const judged = () => ({
  judgeOn:
    ({ inUse }: Pick<Look, 'inUse'>) =>
    (image: Image) =>
      inUse.has(image.id) ? { image, reason: 'InUse' as const, message: 'used' } : undefined,
  mayLoseAllNames: () => true,
  landmarks: takeLandmarks({ images: [], inUse: new Map() }),
  giveUp: { removal: never, look: never },
  space: openSpace({ capacityBytes: 10_000, usedBytes: 9_000, availableBytes: 1_000 }),
  sleep,
});
const monotonicMs = () => 0;

function outcomes({ results }: SweepResult): Record<string, string> {
  return Object.fromEntries(
    results.map(({ removal, outcome }) => [
      removal.image.id,
      'reason' in outcome ? `${outcome.kind} ${outcome.reason}` : outcome.kind,
    ]),
  );
}

/** Does not remove the first image, and says so. */
function refuse(runtime: FakeRuntime, answer: RemovalAnswer): FakeRuntime {
  const remove = runtime.removeImages;
  runtime.removeImages = async (ids) => {
    await remove(ids);
    if (ids.includes(first.id)) runtime.images = [first, ...runtime.images];
    return answer;
  };
  return runtime;
}

describe('carryOut', () => {
  it('removes by ID, in batches, and reports each image as soon as its batch is done', async () => {
    const runtime = buildRuntime({ images });
    const told: string[] = [];
    let nowMs = 0;
    const result = await carryOut(
      buildPlan(images),
      {
        runtime,
        readLook: readLookOf(runtime),
        measureDisk: fullDisk(runtime),
        throttle,
        ...judged(),
        // Each reading of this clock is one second after the last.
        monotonicMs: () => (nowMs += 1_000),
        onResult: ({ removal }) => told.push(`${removal.image.id} ${runtime.requests.length}`),
      },
      new AbortController().signal,
    );
    expect(runtime.requests.map((ids) => ids.length)).toEqual([50, 70]);
    expect(runtime.images).toEqual([]);
    expect(result.results).toHaveLength(120);
    expect(told[0]).toBe('image-0 1');
    expect(told[119]).toBe('image-119 2');
  });

  it.each([
    ['images', { maxRemovals: 3, maxRemovedBytes: 10_000 }],
    ['bytes', { maxRemovals: 100, maxRemovedBytes: 399 }],
  ])(
    'removes no larger share than allowed, in %s, if the disk requires more than expected (H16)',
    async (_, limits) => {
      const runtime = buildRuntime({ images });
      const result = await run(buildPlan(images, { always: false, untilPercent: 1, ...limits }), runtime);
      expect(runtime.images).toHaveLength(117);
      expect(result.spared).toHaveLength(117);
      expect(result.spared[0]?.reason).toBe('OverLimit');
    },
  );

  it('skips an image that a container has begun to use since the plan (C34, T17)', async () => {
    const runtime = buildRuntime({ images, containers: [buildContainer(second)] });
    const result = await run(buildPlan([first, second]), runtime);
    expect(outcomes(result)).toEqual({ 'image-0': 'removed', 'image-1': 'skipped InUse' });
    expect(runtime.requests).toEqual([[first.id]]);
  });

  it('counts an image that no longer exists as removed, without a request (T15)', async () => {
    const runtime = buildRuntime({ images: [first] });
    const result = await run(buildPlan([first, second]), runtime);
    expect(outcomes(result)).toEqual({ 'image-0': 'removed', 'image-1': 'removed' });
    expect(runtime.requests).toEqual([[first.id]]);
  });

  it('skips an image that is refused because of use, and does not try again (T16)', async () => {
    const complaint = { imageId: first.id, message: 'image used by 1: image is in use by a container' };
    const runtime = refuse(buildRuntime({ images }), { timedOut: false, complaints: [complaint] });
    const result = await run(buildPlan([first, second]), runtime);
    expect(outcomes(result)).toEqual({ 'image-0': 'skipped InUse', 'image-1': 'removed' });
    expect(runtime.requests).toHaveLength(1);
  });

  it('ignores a refusal that names another image (T16)', async () => {
    const complaint = { message: 'image used by 1: image is in use by a container' };
    const runtime = refuse(buildRuntime({ images }), { timedOut: false, complaints: [complaint] });
    const result = await run(buildPlan([first]), runtime);
    expect(outcomes(result)).toEqual({ 'image-0': 'failed RemovalFailed' });
  });

  it('continues with the others when one image cannot be removed (N9)', async () => {
    const complaint = { imageId: first.id, message: 'read-only file system' };
    const runtime = refuse(buildRuntime({ images }), { timedOut: false, complaints: [complaint] });
    const result = await run(buildPlan(images), runtime);
    expect(runtime.images).toEqual([first]);
    expect(result.results.filter(({ outcome }) => outcome.kind === 'removed')).toHaveLength(119);
    expect(result.results[0]?.outcome).toEqual({
      kind: 'failed',
      reason: 'RemovalFailed',
      message: 'read-only file system',
    });
  });

  it('checks the list when the runtime reports success', async () => {
    const runtime = refuse(buildRuntime({ images }), { timedOut: false, complaints: [] });
    const result = await run(buildPlan([first]), runtime);
    expect(result.results[0]?.outcome).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('still lists'),
    });
  });

  it('does not treat a timeout as a failure: an image that no longer exists is removed (T13)', async () => {
    const runtime = buildRuntime({ images });
    const remove = runtime.removeImages;
    runtime.removeImages = async (ids) => {
      await remove(ids);
      return { timedOut: true, complaints: [{ message: 'DeadlineExceeded' }] };
    };
    expect(outcomes(await run(buildPlan([first, second]), runtime))).toEqual({
      'image-0': 'removed',
      'image-1': 'removed',
    });
  });

  it('tries an image that still exists after a timeout once more, after the others (T13)', async () => {
    const runtime = refuse(buildRuntime({ images }), { timedOut: true, complaints: [{ message: 'DeadlineExceeded' }] });
    const result = await run(buildPlan(images.slice(0, 60)), runtime);
    expect(runtime.requests.map((ids) => ids.length)).toEqual([50, 10, 1]);
    expect(outcomes(result)).toMatchObject({ 'image-0': 'failed RemovalTimedOut', 'image-1': 'removed' });
    expect(result.results).toHaveLength(60);
  });

  it('tries images that were never requested before all others, and counts none as a failure (H29)', async () => {
    const runtime = buildRuntime({ images });
    const remove = runtime.removeImages;
    runtime.removeImages = async (ids) => {
      const asked = ids.slice(0, 20);
      await remove(asked);
      return { timedOut: false, complaints: [], notAsked: ids.slice(20) };
    };
    const result = await run(buildPlan(images.slice(0, 60)), runtime);
    expect(runtime.requests.flat()).toEqual(images.slice(0, 60).map(({ id }) => id));
    expect(result.results.map(({ outcome }) => outcome.kind)).toEqual(Array(60).fill('removed'));
  });

  it('tries each image of a batch that timed out again alone (H29)', async () => {
    const runtime = buildRuntime({ images });
    const remove = runtime.removeImages;
    runtime.removeImages = async (ids) => {
      if (!ids.includes(first.id)) return remove(ids);
      runtime.requests.push(ids);
      return { timedOut: true, complaints: [{ message: 'gave no answer within 605 s' }] };
    };
    const result = await run(buildPlan(images.slice(0, 5)), runtime);
    expect(outcomes(result)).toMatchObject({ 'image-0': 'failed RemovalTimedOut' });
    expect(result.results.filter(({ outcome }) => outcome.kind === 'removed')).toHaveLength(4);
  });

  it('ends if the runtime answers none of several batches, and does not try the other images (H29)', async () => {
    const runtime = buildRuntime({ images });
    runtime.removeImages = async (ids) => {
      runtime.requests.push(ids);
      return { timedOut: true, complaints: [{ message: 'gave no answer within 605 s' }] };
    };
    const result = await run(buildPlan(images), runtime);
    expect(runtime.requests.length).toBeLessThan(10);
    expect(result.stopped).toMatchObject({ reason: 'RuntimeHangs' });
    expect(result.results).toHaveLength(images.length);
  });

  const message = 'write /var/lib/containerd/meta.db: no space left on device';

  it('tries an image again in the next batch if the disk was too full for its removal, and others have freed space (H27)', async () => {
    const runtime = buildRuntime({ images });
    const remove = runtime.removeImages;
    runtime.removeImages = async (ids, ...rest) => {
      if (runtime.requests.length > 0) return remove(ids, ...rest);
      await remove(ids.slice(1), ...rest);
      return { timedOut: false, complaints: [{ imageId: first.id, message }] };
    };
    const result = await run(buildPlan(images), runtime);
    expect(runtime.requests[1]?.[0]).toBe(first.id);
    expect(outcomes(result)).toMatchObject({ 'image-0': 'removed', 'image-119': 'removed' });
  });

  it('tries images again after the others if the disk was too full for all of a batch (H27)', async () => {
    const runtime = buildRuntime({ images });
    const remove = runtime.removeImages;
    runtime.removeImages = async (ids, ...rest) => {
      if (runtime.requests.length > 0) return remove(ids, ...rest);
      runtime.requests.push(ids);
      return { timedOut: false, complaints: ids.map((imageId) => ({ imageId, message })) };
    };
    const result = await run(buildPlan(images), runtime);
    expect(runtime.requests[1]?.[0]).toBe(images[50]?.id);
    expect(result.results.filter(({ outcome }) => outcome.kind === 'removed')).toHaveLength(images.length);
  });

  it('tries an image no more than twice if the disk was too full for its removal (H27)', async () => {
    const runtime = refuse(buildRuntime({ images }), { timedOut: false, complaints: [{ imageId: first.id, message }] });
    const result = await run(buildPlan(images.slice(0, 60)), runtime);
    expect(runtime.requests.map((ids) => ids.length)).toEqual([50, 11]);
    expect(outcomes(result)).toMatchObject({ 'image-0': 'failed RemovalFailed', 'image-1': 'removed' });
  });

  it('reports unknown if nothing shows that images are gone (safety rule 6)', async () => {
    const runtime = buildRuntime({ images });
    const list = runtime.listImages;
    runtime.listImages = () => (runtime.requests.length > 0 ? Promise.reject(new Error('runtime is down')) : list());
    const result = await run(buildPlan(images), runtime);
    expect(result.results[0]?.outcome).toMatchObject({
      kind: 'unknown',
      message: expect.stringContaining('runtime is down'),
    });
    expect(outcomes(result)['image-119']).toBe('skipped UsageUnreadable');
    expect(result.stopped).toMatchObject({ reason: 'UsageUnreadable', message: 'runtime is down' });
    expect(runtime.requests).toHaveLength(1);
  });

  it('removes nothing more when the containers cannot be read (T1)', async () => {
    const runtime = buildRuntime({ images });
    runtime.listContainers = async () => {
      if (runtime.requests.length > 0) throw new Error('no answer');
      return [];
    };
    const result = await run(buildPlan(images), runtime);
    expect(runtime.requests).toHaveLength(1);
    expect(result.results.filter(({ outcome }) => outcome.kind === 'removed')).toHaveLength(50);
    expect(result.stopped?.reason).toBe('UsageUnreadable');
  });

  it.each(['Interrupted', 'DeadlineExceeded'] as const)(
    'finishes the current batch and starts no other when it is asked to stop (%s; T14)',
    async (reason) => {
      const controller = new AbortController();
      const runtime = buildRuntime({ images });
      const remove = runtime.removeImages;
      runtime.removeImages = (ids) => {
        controller.abort(new StopRequest(reason, 'time to stop'));
        return remove(ids);
      };
      const result = await run(buildPlan(images), runtime, controller.signal);
      expect(runtime.images).toHaveLength(70);
      expect(outcomes(result)).toMatchObject({ 'image-49': 'removed', 'image-50': `skipped ${reason}` });
      expect(result.stopped).toMatchObject({ reason, message: 'time to stop' });
    },
  );

  it('skips an image that a container has begun to use while the batch before was removed (C34, T17)', async () => {
    const runtime = buildRuntime({ images });
    const last = images.at(-1) ?? first;
    const remove = runtime.removeImages;
    runtime.removeImages = async (ids) => {
      const answer = await remove(ids);
      runtime.containers = [buildContainer(last)];
      return answer;
    };
    expect(outcomes(await run(buildPlan(images), runtime))).toMatchObject({ [last.id]: 'skipped InUse' });
    expect(runtime.images).toEqual([last]);
  });

  it('stops waiting for a list that does not arrive when it is asked to stop (T14)', async () => {
    const controller = new AbortController();
    const runtime = buildRuntime({ images });
    runtime.listContainers = () => {
      controller.abort(new StopRequest('DeadlineExceeded', 'time to stop'));
      return new Promise(() => {});
    };
    const result = await run(buildPlan(images), runtime, controller.signal);
    expect(result.stopped?.reason).toBe('DeadlineExceeded');
    expect(result.results).toHaveLength(120);
    expect(runtime.requests).toEqual([]);
  });

  describe('pauses', () => {
    it.each([
      ['that take time are followed by a list of their own', true, ['rest', 'look', 'look', 'image-1']],
      ['that take none need no further list after the last batch', false, ['rest', 'look', 'image-1']],
    ])(
      'come before each batch, and not if nothing more is to be removed; those %s',
      async (_, takesTime, afterwards) => {
        const runtime = buildRuntime({ images: images.slice(0, 90) });
        const story: string[] = [];
        const listContainers = runtime.listContainers;
        runtime.listContainers = () => {
          story.push('look');
          return listContainers();
        };
        await carryOut(
          buildPlan(runtime.images, { always: false, untilPercent: 88 }),
          {
            runtime,
            readLook: readLookOf(runtime),
            measureDisk: fullDisk(runtime),
            throttle: async () => story.push('rest') > 0 && takesTime,
            monotonicMs,
            ...judged(),
            onResult: ({ removal }) => story.push(removal.image.id),
          },
          new AbortController().signal,
        );
        expect(story).toEqual(['rest', 'look', 'look', 'image-0', ...afterwards]);
      },
    );
  });

  describe('down to a threshold (N7)', () => {
    it('stops at the first point at or below it, and keeps the other images', async () => {
      const runtime = buildRuntime({ images: images.slice(0, 90) });
      const result = await run(buildPlan(runtime.images, { always: false, untilPercent: 80 }), runtime);
      expect(runtime.images).toHaveLength(80);
      expect(runtime.requests.map((ids) => ids.length)).toEqual([5, 2, 1, 1, 1]);
      expect(result.spared).toHaveLength(80);
      expect(result.spared[0]).toMatchObject({ image: images[10], reason: 'BelowThreshold' });
    });

    it('still removes the images that are always removed', async () => {
      const runtime = buildRuntime({ images: [first, second, third] });
      const removals = [first, second, third].map((image) => buildRemoval(image, { always: image === first }));
      const result = await run({ kept: [], removals, untilPercent: 80 }, runtime);
      expect(outcomes(result)).toEqual({ 'image-0': 'removed' });
      expect(result.spared.map(({ image }) => image)).toEqual([second, third]);
    });

    it('stops if usage cannot be measured', async () => {
      const runtime = buildRuntime({ images });
      const result = await carryOut(
        buildPlan([first], { always: false, untilPercent: 80 }),
        {
          runtime,
          readLook: readLookOf(runtime),
          measureDisk: () => Promise.reject(new Error('statfs failed')),
          throttle,
          monotonicMs,
          ...judged(),
          onResult: () => undefined,
        },
        new AbortController().signal,
      );
      expect(result.stopped).toMatchObject({ message: 'statfs failed' });
      expect(runtime.requests).toEqual([]);
    });
  });
});

describe('a change while a plan is carried out', () => {
  const facts = (fields: Partial<JobDocument> = {}) => buildFacts({ job: fields, inventory: { images } });

  function carry(runtime: FakeRuntime, plan: Plan, given = facts(), fields: Partial<RemovalPorts> = {}) {
    const ports: RemovalPorts = {
      ...judged(),
      runtime,
      readLook: readLookOf(runtime),
      measureDisk: fullDisk(runtime),
      throttle,
      monotonicMs,
      onResult: () => undefined,
      judgeOn: createJudge(
        given,
        plan.removals.map(({ image }) => image),
      ),
      ...fields,
    };
    return carryOut(plan, ports, new AbortController().signal);
  }

  it.each<[what: string, reason: string, change: (image: Image) => Image]>([
    ['pinned', 'Pinned', (image) => ({ ...image, pinned: true })],
    ['given an excluded name', 'Excluded', (image) => ({ ...image, names: [...image.names, 'a.io/base:1'] })],
    ['given another name', 'TooYoung', (image) => ({ ...image, names: [...image.names, 'a.io/new:1'] })],
    ['left without its included name', 'NotIncluded', (image) => ({ ...image, names: ['b.io/moved:1'] })],
    ['pulled in another size', 'TooYoung', (image) => ({ ...image, sizeBytes: 7 })],
  ])('keeps an image that was %s, with the reason (H24, C34, T17)', async (_, reason, change) => {
    const runtime = buildRuntime({ images: [change(first), second] });
    const given = facts({ images: { include: ['a.io/**'], exclude: ['**/base:*'], minAge: '0s' } });
    const result = await carry(runtime, buildPlan([first, second]), given);
    expect(outcomes(result)).toEqual({ 'image-0': `skipped ${reason}`, 'image-1': 'removed' });
    expect(runtime.images).toEqual([change(first)]);
  });

  it('keeps the image of a sandbox that started after the plan (H7, H24)', async () => {
    const runtime = buildRuntime({ images: [first, second], getSandboxImages: async () => [first.id] });
    const result = await carry(runtime, buildPlan([first, second]), facts({ images: { minAge: '0s' } }));
    expect(outcomes(result)).toEqual({ 'image-0': 'skipped Pinned', 'image-1': 'removed' });
  });

  it('keeps an image that is missing in one list and is in the next list again (H24)', async () => {
    const last = images.at(-1) ?? first;
    const runtime = buildRuntime({ images: images.slice(0, -1) });
    const remove = runtime.removeImages;
    const list = runtime.listImages;
    let looks = 0;
    runtime.removeImages = (ids) => remove(ids);
    runtime.listImages = async () => (++looks === 2 ? [...(await list()), last] : list());
    const result = await carry(runtime, buildPlan(images), facts({ images: { minAge: '0s' } }));
    expect(outcomes(result)[last.id]).toBe('skipped TooYoung');
  });

  it('an image that cannot be removed does not count towards the limit (H9)', async () => {
    const complaint = { imageId: first.id, message: 'read-only file system' };
    const runtime = refuse(buildRuntime({ images }), { timedOut: false, complaints: [complaint] });
    const result = await carry(runtime, { ...buildPlan(images.slice(0, 4)), maxRemovals: 2 });
    expect(outcomes(result)).toEqual({
      'image-0': 'failed RemovalFailed',
      'image-1': 'removed',
      'image-2': 'removed',
    });
    expect(result.spared).toMatchObject([{ image: { id: 'image-3' }, reason: 'OverLimit' }]);
  });

  it('a list without the images that are used does not show that images are gone (H28)', async () => {
    const runtime = buildRuntime({ images: images.slice(0, 5), containers: [buildContainer(images[4] ?? first)] });
    runtime.removeImages = async (ids) => {
      runtime.listImages = async () => [];
      return { timedOut: false, complaints: ids.map((imageId) => ({ imageId, message: 'failed to delete' })) };
    };
    const result = await carry(runtime, buildPlan(images.slice(0, 4)));
    expect(new Set(Object.values(outcomes(result)))).toEqual(new Set(['unknown LookFailed']));
  });

  /** A disk of 10,000 bytes, 9,000 of them used, that gives back a share of what was removed so much later. */
  async function freeLate(share: number, delayMs: number) {
    const runtime = buildRuntime({ images: images.slice(0, 90) });
    let nowMs = 0;
    const freed: { readonly atMs: number; readonly bytes: number }[] = [];
    const remove = runtime.removeImages;
    runtime.removeImages = async (ids) => {
      freed.push({ atMs: nowMs + delayMs, bytes: ids.length * 100 * share });
      return remove(ids);
    };
    const measureDisk = async () => {
      const back = freed.filter(({ atMs }) => atMs <= nowMs).reduce((sum, { bytes }) => sum + bytes, 0);
      return { capacityBytes: 10_000, usedBytes: 9_000 - back, availableBytes: 1_000 + back };
    };
    const plan = buildPlan(runtime.images, { always: false, untilPercent: 60 });
    const result = await carry(runtime, plan, facts(), {
      measureDisk,
      monotonicMs: () => nowMs,
      sleep: async (ms) => {
        nowMs += ms;
      },
    });
    return { result, removed: 90 - runtime.images.length, waitedMs: nowMs };
  }

  it.each([0, 1_000, 5_000, 20_000])(
    'space that becomes free %i ms late does not cause the removal of a further image (H25, N7, T21)',
    async (delayMs) => {
      const { result, removed, waitedMs } = await freeLate(1, delayMs);
      expect(removed).toBe(30);
      expect(result.stopped).toBeUndefined();
      expect(waitedMs).toBeLessThan(delayMs + 2_000);
    },
  );

  it('a run ends with a report if space does not become free (H25)', async () => {
    const { result, removed, waitedMs } = await freeLate(1, Number.POSITIVE_INFINITY);
    expect(removed).toBe(30);
    expect(result.stopped).toMatchObject({ reason: 'SpaceNotFreed', message: expect.stringContaining('3000 bytes') });
    expect(waitedMs).toBeLessThan(40_000);
  });

  it('further images are removed after a pause if the disk frees only half of the sizes (H25, N10)', async () => {
    const { result, removed, waitedMs } = await freeLate(0.5, 0);
    expect(removed).toBe(60);
    expect(result.stopped).toBeUndefined();
    expect(waitedMs).toBeLessThan(60_000);
  });
});
