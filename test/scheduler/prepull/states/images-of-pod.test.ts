import { expect, it } from 'vitest';
import type { PodContainer } from '../../../../scheduler/objects.ts';
import { containerName, indexOfContainer } from '../../../../scheduler/prepull/states/container-names.ts';
import { readImages } from '../../../../scheduler/prepull/states/images-of-pod.ts';
import { buildPrepared, buildPuller, digestOf, state } from '../../../helpers/pullers.ts';

const readOne = (container: Omit<PodContainer, 'name'>) =>
  readImages({ containers: [{ name: containerName(0), ...container }] }).get(0);

it.each([
  ['runs', state.running],
  ['has ended', state.done()],
  ['failed to start, as on containerd', { type: 'Terminated', reason: 'StartError', exitCode: 128 } as const],
  ['cannot be created, as on CRI-O', state.waiting('CreateContainerError', 'executable file not found')],
  ['cannot be configured', state.waiting('CreateContainerConfigError')],
  ['cannot be started', state.waiting('RunContainerError', 'exec format error')],
])('an image whose container %s is present (P1)', (_, container) => {
  expect(readOne({ state: container })).toMatchObject({ state: 'Present' });
});

it.each([
  ['waits for the pod', state.waiting('PodInitializing')],
  ['is about to be created, which is also said during the pull', state.waiting('ContainerCreating')],
  ['waits for no reason', state.waiting('')],
  ["waits for the kubelet's own limit (P6)", state.waiting('ErrImagePull', 'pull QPS exceeded')],
  ['waits before the next try', state.waiting('ImagePullBackOff', 'Back-off pulling image "a:1"')],
])('an image whose container %s is not present yet, although its status names the image (P1)', (_, container) => {
  expect(readOne({ state: container })).toEqual({ state: 'Pulling' });
});

it('an image whose pull failed has reason and words (P5)', () => {
  const cause = { reason: 'Unauthorized', message: 'pull access denied' };
  expect(readOne({ state: state.denied })).toEqual({ state: 'Failed', cause });
});

it('an image whose container was lost with its pod is unknown (P1)', () => {
  expect(readOne({ state: state.lost })).toEqual({ state: 'Unknown' });
});

it.each([
  ['that of containerd', `docker.io/library/alpine@${digestOf(1)}`, digestOf(1)],
  ['that of Docker Engine', `docker-pullable://alpine@${digestOf(1)}`, digestOf(1)],
  ['the ID of an imported image, which is no digest of a manifest', digestOf(1), undefined],
  ['nothing', undefined, undefined],
])('the digest comes from imageID: %s', (_, imageId, digest) => {
  expect(readOne({ imageId, state: state.done() })).toEqual({ state: 'Present', ...(digest && { digest }) });
});

it('the first container and injected ones are no images', () => {
  const sidecar = { name: 'istio-proxy', state: state.running };
  const puller = buildPuller({}, { containers: [buildPrepared(), sidecar] });
  expect([...readImages(puller)]).toEqual([]);
  expect([...readImages({})]).toEqual([]);
  expect(['image-', 'image-x', 'image-1x', 'prepare'].map(indexOfContainer)).toEqual(Array(4).fill(undefined));
  expect(indexOfContainer(containerName(255))).toBe(255);
});
