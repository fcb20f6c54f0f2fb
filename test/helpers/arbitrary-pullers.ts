import fc from 'fast-check';
import type { ContainerState } from '../../scheduler/objects.ts';
import type { ImageState } from '../../scheduler/prepull/states/image-state.ts';
import { pullReasons } from '../../scheduler/prepull/states/reasons.ts';
import { secondsLater } from './builders.ts';
import { digestOf, state } from './pullers.ts';

/** States of up to `maxSize` images, with at most so many different words. */
export function imageStates(maxSize: number, maxWords: number): fc.Arbitrary<ReadonlyMap<number, ImageState>> {
  const words = fc.integer({ min: 1, max: maxWords }).map((number) => `words ${number}`);
  const cause = fc.record({ reason: fc.constantFrom(...pullReasons), message: words }, { requiredKeys: ['reason'] });
  const one = fc.oneof(
    fc.nat(9).map((index): ImageState => ({ state: 'Present', digest: digestOf(index) })),
    fc.constantFrom<ImageState>({ state: 'Present' }, { state: 'Pulling' }, { state: 'Unknown' }),
    cause.map((cause): ImageState => ({ state: 'Failed', cause })),
    cause.map((cause): ImageState => ({ state: 'Failed', cause, isAbsent: true })),
    fc.tuple(cause, fc.nat(9)).map(
      ([cause, index]): ImageState => ({
        state: 'Stale',
        cause,
        ...(index > 0 && { digest: digestOf(index) }),
      }),
    ),
  );
  const entries = fc.uniqueArray(fc.tuple(fc.nat(255), one), { maxLength: maxSize, selector: ([index]) => index });
  return entries.map((list) => new Map(list));
}

/** The states of a container before its image is there. */
export const beforePull: fc.Arbitrary<ContainerState> = fc.constantFrom(
  state.waiting(),
  state.waiting('ContainerCreating'),
  state.waiting('ErrImagePull', 'pull QPS exceeded'),
  state.waiting('ImagePullBackOff', 'Back-off pulling image "a:1"'),
  state.denied,
  state.waiting('ImagePullBackOff', 'Back-off pulling image "a:1": ErrImagePull: manifest unknown'),
  state.waiting('ErrImagePull', 'dial tcp 10.0.0.9:443: connect: connection refused'),
);

/** The states of a container that prove its image. */
export const afterPull: fc.Arbitrary<ContainerState> = fc.oneof(
  fc.constantFrom(
    state.running,
    state.waiting('CreateContainerError', 'no such file'),
    state.waiting('RunContainerError', 'exec format error'),
  ),
  fc.nat(100).map((seconds) => state.done(seconds)),
  fc.nat(100).map(
    (seconds): ContainerState => ({
      type: 'Terminated',
      reason: 'StartError',
      exitCode: 128,
      finishedAt: secondsLater(seconds),
    }),
  ),
);
