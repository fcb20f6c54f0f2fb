import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ImageService, ImageServiceError } from '../../../scheduler/local/image-service.ts';
import { type PullerContainer, type PullerNode, runPuller } from '../../../scheduler/local/puller.ts';
import type { PodContainer } from '../../../scheduler/objects.ts';
import { readImages } from '../../../scheduler/prepull/states/images-of-pod.ts';

const api: PullerContainer = { name: 'image-0', image: 'docker.io/acme/api:1', imagePullPolicy: 'IfNotPresent' };
const web: PullerContainer = { name: 'image-1', image: 'docker.io/acme/web:1', imagePullPolicy: 'IfNotPresent' };
const imageIds = { [api.image]: 'docker.io/acme/api@sha256:aa', [web.image]: 'docker.io/acme/web@sha256:bb' };
const notFound = 'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/acme/api:1": not found';

/** A runtime in memory, with a registry whose errors tests set. */
class FakeImages implements ImageService {
  readonly present = new Set<string>();
  readonly pulls: string[] = [];
  /** The words of the runtime about images that it can't pull. */
  readonly errors = new Map<string, string>();
  findError: string | undefined;
  /** Runs before each pull. */
  onPull: () => void = () => {};

  async find(reference: string): Promise<string | undefined> {
    if (this.findError !== undefined) throw new ImageServiceError(this.findError);
    return this.present.has(reference) ? imageIds[reference] : undefined;
  }

  async pull(reference: string, signal: AbortSignal): Promise<void> {
    this.pulls.push(reference);
    this.onPull();
    signal.throwIfAborted();
    const error = this.errors.get(reference);
    if (error !== undefined) throw new ImageServiceError(error);
    this.present.add(reference);
  }
}

let images: FakeImages;
let states: Map<string, PodContainer>;
let prepared: { exitCode: number; message: string };
let preparations: number;
let stop: AbortController;

beforeEach(() => {
  vi.useFakeTimers();
  images = new FakeImages();
  states = new Map();
  prepared = { exitCode: 0, message: '{"version":1,"outcome":"Ready","usedPercent":40}' };
  preparations = 0;
  stop = new AbortController();
});

afterEach(() => {
  vi.useRealTimers();
});

const node = (): PullerNode => ({
  images,
  prepare: async () => {
    preparations += 1;
    return prepared;
  },
  report: async (container) => {
    states.set(container.name, container);
  },
  now: () => new Date(),
  wait: (milliseconds, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    return promise;
  },
});

/** Starts a puller, and lets some seconds pass. */
async function play(containers: readonly PullerContainer[], seconds: number, before: readonly PodContainer[] = []) {
  const ended = { phase: 'Running' as string };
  void runPuller({ containers, states: before }, node(), stop.signal).then(
    (phase) => {
      ended.phase = phase;
    },
    () => {
      ended.phase = 'Aborted';
    },
  );
  await vi.advanceTimersByTimeAsync(seconds * 1_000);
  return ended;
}

const stateOf = (name: string) => states.get(name)?.state;
const imagesSeen = () => readImages({ containers: [...states.values()] });

describe('a puller of nodesweep local', () => {
  it('pulls what is missing, one image after the other, and ends with the digests (P1, P2)', async () => {
    images.present.add(web.image);
    const { phase } = await play([api, web], 0);
    expect(phase).toBe('Succeeded');
    expect(images.pulls).toEqual([api.image]);
    expect(states.get('image-0')).toMatchObject({
      imageId: imageIds[api.image],
      state: { type: 'Terminated', reason: 'Completed', exitCode: 0, finishedAt: expect.any(Date) },
    });
    expect([...imagesSeen().values()].map(({ state }) => state)).toEqual(['Present', 'Present']);
  });

  it('pulls nothing if its first container refuses, for example because the disk is too full (P16)', async () => {
    prepared = { exitCode: 1, message: '{"outcome":"DiskTooFull"}' };
    const { phase } = await play([api], 0);
    expect(phase).toBe('Failed');
    expect(images.pulls).toEqual([]);
    expect(stateOf('prepare')).toMatchObject({ type: 'Terminated', reason: 'Error', ...prepared });
  });

  it('pulls the others if one fails, shows the words of the registry, and tries again after longer and longer pauses (P2, P5, P6)', async () => {
    images.errors.set(api.image, notFound);
    const { phase } = await play([api, web], 0.5);
    expect(phase).toBe('Running');
    expect(stateOf('image-0')).toEqual({ type: 'Waiting', reason: 'ErrImagePull', message: notFound });
    expect(stateOf('image-1')).toMatchObject({ type: 'Terminated' });
    await vi.advanceTimersByTimeAsync(1_000);
    const message = `Back-off pulling image "${api.image}": ErrImagePull: ${notFound}`;
    expect(stateOf('image-0')).toEqual({ type: 'Waiting', reason: 'ImagePullBackOff', message });
    expect(imagesSeen().get(0)).toMatchObject({ state: 'Failed', cause: { reason: 'NotFound' } });
    const triesAfter = async (seconds: number) => {
      await vi.advanceTimersByTimeAsync(seconds * 1_000);
      return images.pulls.filter((image) => image === api.image).length;
    };
    expect([await triesAfter(7), await triesAfter(3), await triesAfter(17), await triesAfter(5)]).toEqual([1, 2, 2, 3]);
    images.errors.clear();
    await triesAfter(41);
    expect(stateOf('image-0')).toMatchObject({ type: 'Terminated' });
  });

  it('asks the registry each time with Always, also for an image that is there, and fails while it is down (P8)', async () => {
    images.present.add(api.image);
    images.errors.set(api.image, 'rpc error: code = Unknown desc = dial tcp: connection refused');
    await play([{ ...api, imagePullPolicy: 'Always' }], 0);
    expect(images.pulls).toEqual([api.image]);
    expect(imagesSeen().get(0)).toMatchObject({ state: 'Failed', cause: { reason: 'RegistryUnavailable' } });
  });

  it('pulls nothing with Never, and waits for an image that is missing', async () => {
    images.present.add(web.image);
    const containers = [api, web].map((container) => ({ ...container, imagePullPolicy: 'Never' as const }));
    await play(containers, 30);
    expect(images.pulls).toEqual([]);
    expect(stateOf('image-0')).toMatchObject({ reason: 'ErrImageNeverPull' });
    expect(stateOf('image-1')).toMatchObject({ type: 'Terminated' });
  });

  it('shows why a runtime does not answer, and goes on when it does (P5)', async () => {
    images.findError = 'connect: no such file or directory';
    await play([api], 0);
    const message = `Failed to inspect image "${api.image}": connect: no such file or directory`;
    expect(stateOf('image-0')).toEqual({ type: 'Waiting', reason: 'ImageInspectError', message });
    images.findError = undefined;
    await vi.advanceTimersByTimeAsync(11_000);
    expect(stateOf('image-0')).toMatchObject({ type: 'Terminated' });
  });

  it('continues after a restart with the containers that have not ended (P19)', async () => {
    images.present.add(web.image);
    const done = { type: 'Terminated', reason: 'Completed', exitCode: 0 } as const;
    const before = [
      { name: 'prepare', state: done },
      { name: 'image-0', state: done },
      { name: 'image-1', state: { type: 'Waiting', reason: 'PodInitializing', message: '' } as const },
    ];
    const { phase } = await play([api, web], 0, before);
    expect({ phase, preparations, pulls: images.pulls }).toEqual({ phase: 'Succeeded', preparations: 0, pulls: [] });
    expect([...states.keys()]).toEqual(['image-1']);
  });

  it('begins no further image after it is told to end', async () => {
    images.onPull = () => stop.abort();
    const ended = await play([api, web], 60);
    expect(ended.phase).toBe('Aborted');
    expect(images.pulls).toEqual([api.image]);
    expect([...states.keys()]).toEqual(['prepare']);
  });
});
