import { describe, expect, it } from 'vitest';
import {
  containerAnswer,
  containersAnswer,
  diskUsageAnswer,
  imageAnswer,
  imagesAnswer,
  infoAnswer,
  readAnswer,
  sharedSizesAnswer,
} from '../../../../cleaner/runtime/docker/answers.ts';
import { indexImages } from '../../../../cleaner/runtime/image-index.ts';
import { type DockerAnswers, imageIdOf as idOf, readDockerAnswers } from '../../../helpers/docker-answers.ts';

const v20 = readDockerAnswers('docker-20.10');
const v29 = readDockerAnswers('docker-29');
const versions = [
  ['20.10', v20],
  ['29', v29],
] as const;

const containerOf = ({ containersInspected }: DockerAnswers, name: string) =>
  containersInspected.find(({ Name }) => Name === `/${name}`);

describe.each(versions)('Docker Engine %s', (_, answers) => {
  it.each([2 ** 64, -1, 0.5])(
    'counts a size of %d, which no disk has, as unknown, and keeps the other images (H30)',
    (size) => {
      const [first, ...others] = answers.images;
      const images = imagesAnswer.parse([{ ...first, Size: size }, ...others]);
      expect(images.map(({ sizeBytes }) => sizeBytes)).toEqual([
        0,
        ...imagesAnswer.parse(others).map(({ sizeBytes }) => sizeBytes),
      ]);
    },
  );

  it.each([{ Id: 'nginx:latest' }, { RepoTags: 7 }, { RepoDigests: 'many' }, { Size: '1' }])(
    'reports an image with %j, and keeps the other images (H30)',
    (odd) => {
      const [first, ...others] = answers.images;
      const images = imagesAnswer.parse([{ ...first, ...odd }, ...others]);
      expect(images[0]).toMatchObject({ flaw: { kind: 'Unreadable' } });
      expect(images.slice(1)).toEqual(imagesAnswer.parse(others));
    },
  );

  it('lists images with all their names in full, and sizes in bytes (T10, T23)', () => {
    const images = imagesAnswer.parse(answers.images);
    expect(images).toHaveLength(10);
    const tools = images.find(({ id }) => id === idOf(answers, 'acme/tools:1'));
    expect(tools?.names).toEqual(expect.arrayContaining(['docker.io/acme/tools:1', 'docker.io/acme/tools:2']));
    expect(tools?.sizeBytes).toBeGreaterThan(1_000_000);
    expect(images.every(({ pinned }) => !pinned)).toBe(true);
  });

  it('lists an image that lost its tag, without a placeholder as its name (T11, T12)', () => {
    const nameless = imagesAnswer.parse(answers.images).filter(({ names }) => names.length === 0);
    expect(nameless).toMatchObject([{ id: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) }]);
  });

  it('lists containers of every state with the ID of their image, which is one of those listed (T2, C33)', () => {
    const containers = containersAnswer.parse(answers.containers);
    const ids = containers.map(({ imageId = '' }) => imageId);
    const index = indexImages(imagesAnswer.parse(answers.images), ids);
    expect(containers.map(({ name, imageId }) => [name, [...index([imageId ?? ''])]])).toEqual([
      ['setup', [idOf(answers, 'acme/setup:1')]],
      ['job', [idOf(answers, 'acme/job:1')]],
      ['default/web-0/web', [idOf(answers, 'acme/web:1')]],
      ['default/web-0/POD', [idOf(answers, 'registry.k8s.io/pause:3.10')]],
    ]);
    expect(containers.map(({ podUid }) => podUid)).toEqual([
      undefined,
      undefined,
      '0d5e0d7c-2f3a-4d5f-9a55-3f5d1a1d7c11',
      '0d5e0d7c-2f3a-4d5f-9a55-3f5d1a1d7c11',
    ]);
  });

  it('reports layers and the build time, and no time if there is none', () => {
    const details = answers.imagesInspected.map((image) => imageAnswer.parse(image));
    const old = details.find(({ id }) => id === idOf(answers, 'acme/old:1'));
    const other = details.find(({ id }) => id === idOf(answers, 'acme/other:1'));
    expect(old?.builtAt).toBe(Date.UTC(2025, 5, 1, 12));
    expect(other).not.toHaveProperty('builtAt');
    expect(old?.layers).toHaveLength(2);
    expect(old?.layers?.[0]).toBe(other?.layers?.[0]);
    expect(old?.layers?.[1]).not.toBe(other?.layers?.[1]);
  });

  it('counts its containers apart from their list (T1)', () => {
    expect(infoAnswer.parse(answers.info)).toEqual({ containers: 4, imageFilesystem: '/var/lib/docker' });
  });
});

describe('shared sizes', () => {
  it.each([
    ['20.10', diskUsageAnswer.parse(v20.systemDf), v20, 1_000_000],
    ['29', sharedSizesAnswer.parse(v29.imagesShared), v29, 2_045_952],
  ])('are reported by Docker Engine %s', (_, shared, answers, bytes) => {
    expect(shared.get(idOf(answers, 'acme/old:1'))).toBe(bytes);
    expect(shared.get(idOf(answers, 'acme/moved:1'))).toBe(0);
  });

  it('are unknown if an older version ignores the request', () => {
    expect(sharedSizesAnswer.parse(v20.imagesShared).size).toBe(0);
  });
});

describe('the time at which a container finished', () => {
  it('is known of one that exited', () => {
    expect(containerAnswer.parse(containerOf(v20, 'job')).finishedAt).toBe(Date.UTC(2026, 10, 21, 13, 10, 38, 255));
  });

  it.each([
    ['runs, whatever its state was before its last start', 'k8s_web_web-0_default'],
    ['was never started', 'setup'],
  ])('is unknown of one that %s', (_, name) => {
    expect(containerAnswer.parse(containerOf(v20, name))).not.toHaveProperty('finishedAt');
  });
});

it('an image that is mounted is reported by its name, not by the directory of its files (T9)', () => {
  const web = containerAnswer.parse(containerOf(v29, 'k8s_web_web-0_default'));
  expect(web.mountedImages).toEqual(['acme/old:1']);
  const bind = { Type: 'bind', Name: '', Source: '/srv' };
  const id = `sha256:${'a'.repeat(64)}`;
  const mounts = [bind, { Type: 'image', Name: 'acme/a:1', Source: id }];
  expect(containerAnswer.parse({ ...containerOf(v29, 'job'), Mounts: mounts }).mountedImages).toEqual(['acme/a:1', id]);
});

describe('the filesystem of the images', () => {
  const info = {
    ...v29.info,
    Containerd: { Address: '/run/containerd/containerd.sock' },
  };
  const driver = [['driver-type', 'io.containerd.snapshotter.v1']];

  it.each([
    [
      "that of the machine's own containerd, where it keeps them",
      { ...info, DriverStatus: driver },
      '/var/lib/containerd',
    ],
    [
      "Docker's own, where containerd runs containers alone",
      { ...info, DriverStatus: [['driver', 'overlay2']] },
      '/var/lib/docker',
    ],
    ['the one that was configured', { ...info, DriverStatus: null, DockerRootDir: '/data/docker' }, '/data/docker'],
  ])('is %s', (_, changed, path) => {
    expect(infoAnswer.parse(changed).imageFilesystem).toBe(path);
  });
});

describe('an answer that lost what protects an image is refused (T1)', () => {
  const without = (object: object | undefined, key: string) =>
    Object.fromEntries(Object.entries(object ?? {}).filter(([name]) => name !== key));
  const mounts = (mount: object) => ({ ...containerOf(v29, 'job'), Mounts: [mount] });

  it.each([
    ['the tags of an image', imagesAnswer, [without(v20.images[0], 'RepoTags')]],
    ['the digests of an image', imagesAnswer, [without(v20.images[0], 'RepoDigests')]],
    ['the image of a container', containersAnswer, [without(v20.containers[0], 'ImageID')]],
    ['the image of a container, but for its tag', containersAnswer, [{ ...v20.containers[0], ImageID: '' }]],
    ['the mounts of a container', containerAnswer, without(containerOf(v20, 'job'), 'Mounts')],
    ['the kind of a mount', containerAnswer, mounts({ Name: 'acme/a:1' })],
    ['the name of a mounted image', containerAnswer, mounts({ Type: 'image', Name: '', Source: '/var/lib/docker/x' })],
    ['the number of containers', infoAnswer, without(v20.info, 'Containers')],
  ])('%s', (_, schema, answer) => {
    expect(readAnswer(answer, schema)).toHaveProperty('flaw');
  });

  it('but null is an empty list', () => {
    const images = imagesAnswer.parse([{ ...v20.images[0], RepoTags: null, RepoDigests: null }]);
    expect(images).toMatchObject([{ names: [] }]);
  });
});

describe('an answer that is not one', () => {
  it.each([
    [Buffer.from('[{"Id":'), 'it is cut off after 7 characters'],
    [Buffer.from(''), 'it is empty'],
    [Buffer.from('<html>'), 'it is not JSON and starts with "<html>"'],
    [{ message: 'no' }, 'it: Invalid input: expected array, received object'],
    [[{ Id: 'nginx:latest', Size: 1 }], '0.Id: is not an image ID'],
    [[{ Id: `sha256:${'a'.repeat(64)}` }], '0.RepoTags: Invalid input: expected array, received undefined'],
  ])('is reported with the problem (T1; %s)', (answer, flaw) => {
    expect(readAnswer(answer, imagesAnswer)).toEqual({ flaw });
  });
});
