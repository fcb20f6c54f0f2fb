import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { crictlImages, type ImageService } from '../../../scheduler/local/image-service.ts';
import { readCause } from '../../../scheduler/prepull/states/reasons.ts';
import {
  buildImage,
  buildRegistryImage,
  buildSimulatedNode,
  readNode,
  registryFile,
  type SimulatedNode,
  type SimulatedRegistry,
  simulatedCrictl,
  writeNode,
  writeRegistry,
} from '../../fixtures/simulated/node.ts';

const image = 'docker.io/acme/api:1';
const first = buildRegistryImage('first');
const second = buildRegistryImage('second');
const never = new AbortController().signal;
let directory: string;
let socket: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'image-service-'));
  socket = join(directory, 'node.json');
});

afterEach(() => rm(directory, { recursive: true }));

/** The images of a simulated node. */
function open(registry: SimulatedRegistry, node: Partial<SimulatedNode> = {}): ImageService {
  writeNode(socket, buildSimulatedNode(node));
  writeRegistry(registryFile(socket), registry);
  return crictlImages({ executable: simulatedCrictl, socket, environment: process.env });
}

async function wordsOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no error',
    (error: Error) => error.message,
  );
}

describe.each(['containerd-1.6', 'containerd-2.4', 'cri-o', 'crictl-1.24'] as const)('with %s', (flavour) => {
  it('an image is there after its pull, with the digest of the registry (P1)', async () => {
    const images = open({ images: { [image]: first } }, { flavour });
    expect(await images.find(image)).toBeUndefined();
    await images.pull(image, never);
    expect(await images.find(image)).toBe(`docker.io/acme/api@${first.digest}`);
  });

  it('a tag that has moved is another image after the next pull, and the version before has only its digest (P8)', async () => {
    const images = open({ images: { [image]: first } }, { flavour });
    await images.pull(image, never);
    writeRegistry(registryFile(socket), { images: { [image]: second } });
    await images.pull(image, never);
    expect(await images.find(image)).toBe(`docker.io/acme/api@${second.digest}`);
    expect(readNode(socket).images.map(({ repoTags }) => repoTags)).toEqual([[], [image]]);
  });
});

it('an image can be pulled by its digest (P23)', async () => {
  const images = open({ images: { [image]: first } });
  const reference = `docker.io/acme/api@${first.digest}`;
  await images.pull(reference, never);
  expect(await images.find(reference)).toBe(reference);
  expect(await wordsOf(images.pull(`docker.io/acme/api@${second.digest}`, never))).toMatch(/: not found$/);
});

it('an image without a digest, which was loaded on the node, has its ID', async () => {
  const loaded = buildImage(image);
  expect(await open({ images: {} }, { images: [loaded] }).find(image)).toBe(loaded.id);
});

it.each([
  { registry: { images: {} }, reason: 'NotFound', words: /^rpc error: code = NotFound desc = .*api:1: not found$/ },
  {
    registry: { images: { [image]: { ...first, private: true } } },
    reason: 'Unauthorized',
    words: /pull access denied, repository does not exist or may require authorization/,
  },
  { registry: { down: true, images: {} }, reason: 'RegistryUnavailable', words: /dial tcp: connection refused$/ },
  {
    registry: { images: { [image]: { ...first, sizeBytes: 200e9 } } },
    reason: 'NoSpace',
    words: /no space left on device/,
  },
] as const)('a pull that fails has the words of the runtime: $reason (P5)', async ({ registry, reason, words }) => {
  const message = await wordsOf(open(registry).pull(image, never));
  expect(message).toMatch(words);
  expect(readCause({ reason: 'ErrImagePull', message })?.reason).toBe(reason);
});

it('a runtime that is down is not the same as an image that is missing', async () => {
  const images = open({ images: {} });
  await rm(socket);
  expect(await wordsOf(images.find(image))).toMatch(/connect: no such file or directory/);
});

it('a missing crictl is named', async () => {
  const images = crictlImages({ executable: join(directory, 'none'), socket, environment: process.env });
  expect(await wordsOf(images.find(image))).toMatch(/none/);
  expect(await wordsOf(images.pull(image, never))).toMatch(/none/);
});

it('a pull ends when it is aborted', async () => {
  const images = open({ images: { [image]: { ...first, seconds: 600 } } });
  const stop = new AbortController();
  const pull = wordsOf(images.pull(image, stop.signal));
  await sleep(50);
  stop.abort(new Error('enough'));
  expect(await pull).toBe('enough');
  expect(readNode(socket).images).toEqual([]);
});
