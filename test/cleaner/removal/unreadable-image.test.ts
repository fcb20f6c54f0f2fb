import { expect, it } from 'vitest';
import { takeLandmarks } from '../../../cleaner/removal/lost-images.ts';
import { carryOut } from '../../../cleaner/removal/removal.ts';
import { createLookReader, createUsageReader } from '../../../cleaner/runtime/inventory.ts';
import type { Image } from '../../../cleaner/runtime/runtime.ts';
import { buildImage, buildRemoval, buildRuntime, type FakeRuntime } from '../../helpers/inventory.ts';

const image = buildImage('a.io/junk:1', { id: 'image-1' });
const others = Array.from({ length: 60 }, (_, index) =>
  buildImage(`a.io/junk:other-${index}`, { id: `other-${index}` }),
);
const unreadable: Image = { ...image, flaw: { kind: 'Unreadable', detail: 'repoTags: is not a list' } };

async function run(runtime: FakeRuntime) {
  const never = new AbortController().signal;
  const { results } = await carryOut(
    { kept: [], removals: [image, ...others].map((each) => buildRemoval(each, { always: true })) },
    {
      runtime,
      readLook: createLookReader(createUsageReader(runtime, undefined), runtime),
      landmarks: takeLandmarks({ images: [image, ...others], inUse: new Map() }),
      judgeOn: () => () => undefined,
      mayLoseAllNames: () => true,
      space: undefined,
      throttle: async () => false,
      giveUp: { removal: never, look: never },
      measureDisk: async () => ({ capacityBytes: 10_000, usedBytes: 9_000, availableBytes: 1_000 }),
      monotonicMs: () => 0,
      sleep: async () => undefined,
      onResult: () => undefined,
    },
    never,
  );
  return new Map(results.map(({ removal, outcome }) => [removal.image.id, outcome]));
}

it('an image whose entry becomes unreadable before its batch is kept, and not reported as removed (H28, H30)', async () => {
  const runtime = buildRuntime({ images: [unreadable, ...others] });
  const outcomes = await run(runtime);
  expect(outcomes.get(image.id)).toMatchObject({ kind: 'skipped', reason: 'ImageUnreadable' });
  expect(runtime.requests.flat()).not.toContain(image.id);
  expect(others.map(({ id }) => outcomes.get(id))).toEqual(others.map(() => ({ kind: 'removed' })));
});

it('an image whose entry becomes unreadable while its removal fails is still there, and not reported as removed (H28, H30)', async () => {
  const runtime = buildRuntime({ images: [image, ...others] });
  const { removeImages } = runtime;
  runtime.removeImages = async (ids) => {
    const answer = await removeImages(ids);
    if (ids.includes(image.id)) runtime.images = [unreadable, ...runtime.images];
    return answer;
  };
  expect((await run(runtime)).get(image.id)).toMatchObject({ kind: 'failed', reason: 'RemovalFailed' });
});
