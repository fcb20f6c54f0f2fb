import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import {
  containerStatusesAnswer,
  containersAnswer,
  filesystemsAnswer,
  imageStatusesAnswer,
  imagesAnswer,
  infoAnswer,
  readAnswer,
  sandboxesAnswer,
  sandboxStatusesAnswer,
} from '../../../../cleaner/runtime/crictl/answers.ts';

const id = `sha256:${'ab'.repeat(32)}`;
const image = { id, repoTags: [], repoDigests: [], size: '1' };
const container = { id: 'c', imageRef: id };
const pauseId = 'sha256:76585ba2601f3fbb37a09db3dff721ac27847d99541f0bcbab12dfab9d15e662';

function readSample<T extends z.ZodType>(sample: string, schema: T): z.output<T> {
  const text = readFileSync(new URL(`../../../fixtures/answers/${sample}`, import.meta.url), 'utf8');
  return read(text, schema);
}

function read<T extends z.ZodType>(text: string, schema: T): z.output<T> {
  const result = readAnswer(text, schema);
  if ('flaw' in result) throw new Error(result.flaw);
  return result.answer;
}

describe.each([
  ['containerd-1.6', { pinned: false, sandboxImage: 'localhost/pause:1', ready: 0 }],
  ['containerd-2.4', { pinned: true, sandboxImage: undefined, ready: 1 }],
])('the real answers of %s', (version, expected) => {
  it('give images with their names, and sizes as numbers (T20)', () => {
    const images = readSample(`${version}/images.json`, imagesAnswer);
    expect(images).toHaveLength(4);
    expect(images[1]).toMatchObject({
      names: ['docker.io/library/junk1:v1', 'registry.example.com:5000/team/app:1.0'],
      sizeBytes: 430689,
    });
    expect(images[3]).toEqual({
      id: pauseId,
      names: ['localhost/pause:1'],
      sizeBytes: 1618534,
      pinned: expected.pinned,
    });
  });

  it('give the pause image if they name it (T7)', () => {
    expect(readSample(`${version}/info.json`, infoAnswer)).toBe(expected.sandboxImage);
  });

  it('give the states of sandboxes', () => {
    const sandboxes = readSample(`${version}/pods.json`, sandboxesAnswer);
    expect(sandboxes.filter(({ isReady }) => isReady)).toHaveLength(expected.ready);
  });

  it('give the image of each sandbox (T7, H7)', () => {
    const images = readSample(`${version}/inspectp.json`, sandboxStatusesAnswer).map(({ image }) => image);
    expect(new Set(images)).toEqual(new Set(['localhost/pause:1']));
  });

  it('give the mount points of the filesystems with images (T22)', () => {
    expect(readSample(`${version}/imagefsinfo.json`, filesystemsAnswer)).toEqual([
      '/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs',
    ]);
  });

  it('give layers, and no build time for an image that has none', () => {
    expect(readSample(`${version}/inspecti.json`, imageStatusesAnswer)).toEqual([
      { id: pauseId, layers: [expect.stringMatching(/^sha256:[0-9a-f]{64}$/)] },
    ]);
  });

  it('give no container without -a', () => {
    const running = readSample(`${version}/ps.json`, containersAnswer);
    expect(running.map(({ name }) => name)).toEqual(version === 'containerd-2.4' ? ['web'] : []);
  });
});

describe('containers', () => {
  it('of containerd 1.6 have no image ID of their own, but references that are one (T6)', () => {
    expect(readSample('containerd-1.6/ps-a.json', containersAnswer)).toEqual([
      {
        id: '407f110b6fcde5a53a31e5386ba34779be9c3ae7a78ede48f7b6773f76ed9712',
        name: 'default/a/a',
        podUid: 'a1278b39-9e6d-4c8d-bf79-a5056b753025',
        references: [pauseId],
      },
    ]);
  });

  it('of containerd 2.4 have the ID and the reference that the user wrote (T6)', () => {
    const [done] = readSample('containerd-2.4/ps-a.json', containersAnswer);
    expect(done).toMatchObject({ name: 'done', imageId: pauseId, references: ['localhost/pause:1', pauseId] });
  });

  it('finish at the time that inspect reports (N1)', () => {
    const [done] = readSample('containerd-2.4/inspect.json', containerStatusesAnswer);
    expect(done).toMatchObject({ mountedImages: [], finishedAt: Date.parse('2026-11-21T08:53:16.323Z') });
  });
});

describe('the answers of CRI-O', () => {
  const images = readSample('cri-o/images.json', imagesAnswer);
  const containers = readSample('cri-o/ps-a.json', containersAnswer);

  it('give images by IDs without sha256:, with a tag and every digest, a digest alone, or no name at all (T4, T11)', () => {
    expect(images.map(({ id, names }) => [id.length, names.length])).toEqual([
      [64, 0],
      [64, 1],
      [64, 1],
      [64, 2],
      [64, 2],
      [64, 2],
      [64, 1],
      [64, 3],
    ]);
    expect(images.filter(({ pinned }) => pinned).map(({ names }) => names[0])).toEqual([
      expect.stringMatching(/^quay\.io\/openshift-release-dev\/ocp-v4\.0-art-dev@sha256:/),
    ]);
  });

  it('give the pause image of OpenShift by its digest, because no name distinguishes it from other images (T7)', () => {
    const sandboxImage = readSample('cri-o/info.json', infoAnswer);
    expect(images.find(({ pinned }) => pinned)?.names).toEqual([sandboxImage]);
  });

  it('give containers with the reference from the kubelet, a digest of their image, and its ID (T6)', () => {
    expect(containers[0]).toMatchObject({
      name: 'shop/web-0/web',
      imageId: images[7]?.id,
      references: [
        expect.stringMatching(/^registry\.example\.com\/shop\/web@sha256:/),
        expect.stringMatching(/^registry\.example\.com\/shop\/web@sha256:/),
      ],
    });
    expect(containers[1]).toMatchObject({ imageId: images[1]?.id, references: [images[1]?.id, images[1]?.names[0]] });
  });

  it('give mounted images and artifacts by ID (T9)', () => {
    const [running, exited] = readSample('cri-o/inspect.json', containerStatusesAnswer);
    expect(running?.mountedImages).toEqual([images[5]?.id, images[3]?.id]);
    expect(exited).toMatchObject({ mountedImages: [], finishedAt: Date.parse('2026-11-21T08:53:12.5Z') });
  });

  it('give the image of a sandbox, with and without a process of its own (T7, H7)', () => {
    const sandboxImage = readSample('cri-o/info.json', infoAnswer);
    const sandboxes = readSample('cri-o/inspectp.json', sandboxStatusesAnswer);
    expect(sandboxes.map(({ image }) => image)).toEqual([sandboxImage, sandboxImage]);
  });

  it('give build time and layers', () => {
    expect(readSample('cri-o/inspecti.json', imageStatusesAnswer)).toEqual([
      {
        id: images[7]?.id,
        builtAt: Date.parse('2026-10-01T12:00:00.5Z'),
        layers: [expect.anything(), expect.anything()],
      },
    ]);
  });

  it('give the filesystem with images, which it lists with the containers too (T22)', () => {
    expect(readSample('cri-o/imagefsinfo.json', filesystemsAnswer)).toEqual([
      '/var/lib/containers/storage/overlay-images',
    ]);
    expect(readSample('cri-o/pods.json', sandboxesAnswer)).toMatchObject([{ isReady: true }, { isReady: true }]);
  });
});

describe('the answers of crictl 1.24, one document after the other (T6, T20)', () => {
  const readText = (name: string) =>
    readFileSync(new URL(`../../../fixtures/answers/crictl-1.24/${name}.json`, import.meta.url), 'utf8');

  it('give images and containers without the fields of later versions', () => {
    const images = readSample('crictl-1.24/images.json', imagesAnswer);
    expect(images.map(({ names }) => names)).toEqual([['docker.io/acme/app:1'], ['docker.io/acme/base:1']]);
    const containers = readSample('crictl-1.24/ps-a.json', containersAnswer);
    expect(containers.map(({ imageId, references }) => [imageId, references])).toEqual([
      [undefined, [images[0]?.id]],
      [undefined, [images[1]?.id]],
    ]);
  });

  it('are distinguished from one document, wherever its lines break (T20)', () => {
    const other = { ...image, id: `sha256:${'cd'.repeat(32)}` };
    const text = `{"images": [\n${JSON.stringify(image)},\n${JSON.stringify(other)}\n]}\n`;
    expect(read(text, imagesAnswer).map((listed) => listed.id)).toEqual([id, other.id]);
  });

  it('give the result of inspect for each, unless the last document is cut off (T1)', () => {
    const containers = readSample('crictl-1.24/ps-a.json', containersAnswer);
    const details = readSample('crictl-1.24/inspect.json', containerStatusesAnswer);
    expect(details.map(({ id }) => id)).toEqual(containers.map(({ id }) => id));
    expect(readSample('crictl-1.24/inspecti.json', imageStatusesAnswer)).toMatchObject([
      { builtAt: Date.parse('2026-10-01T12:00:00Z') },
      { layers: [expect.anything()] },
    ]);
    expect(readAnswer(readText('inspect').slice(0, -3), containerStatusesAnswer)).toMatchObject({
      flaw: expect.stringContaining('cut off'),
    });
  });

  it('give every filesystem with images, and no pause image (T7, T22)', () => {
    const text = readText('imagefsinfo');
    const second = text.replace(/"mountpoint": "[^"]*"/, '"mountpoint": "/images"');
    expect(read(text + second, filesystemsAnswer)).toEqual([
      '/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs',
      '/images',
    ]);
    expect(readSample('crictl-1.24/info.json', infoAnswer)).toBeUndefined();
  });
});

describe('readAnswer', () => {
  it.each([
    ['the year 1', '0001-01-01T00:00:00Z'],
    ['the epoch', '1970-01-01T00:00:00Z'],
    ['nothing', ''],
    ['no time at all', 'yesterday'],
  ])('reads %s as no time', (_, created) => {
    const answer = { status: { id }, info: { imageSpec: { created } } };
    expect(read(JSON.stringify(answer), imageStatusesAnswer)).toEqual([{ id }]);
  });

  it('takes one answer, or several in an array', () => {
    const answer = { status: { id }, info: { imageSpec: { created: '2026-01-31T00:00:00Z' } } };
    const expected = { id, builtAt: Date.UTC(2026, 0, 31) };
    expect(read(JSON.stringify([answer, answer]), imageStatusesAnswer)).toEqual([expected, expected]);
  });

  it.each([
    ['of an older crictl, without pinned (T8, T20)', { id, repoTags: [], repoDigests: [], size: '430689' }],
    ['of a size that is a number', { id, repoTags: [], repoDigests: [], size: 430689, uid: null, spec: null }],
    ['with fields that nobody knows yet', { id, repoTags: [], repoDigests: [], size: '430689', novelty: [{}] }],
    [
      'with placeholders in place of names (T11)',
      { id, size: '430689', repoTags: ['<none>:<none>'], repoDigests: ['<none>', 'docker.io/a/b@<none>'] },
    ],
  ])('understands images %s', (_, image) => {
    expect(read(JSON.stringify({ images: [image] }), imagesAnswer)).toEqual([
      { id, names: [], pinned: false, sizeBytes: 430689 },
    ]);
  });

  it('finds images that are mounted as volumes (T9)', () => {
    const mounts = [
      { containerPath: '/plain', hostPath: '/a', image: null },
      { containerPath: '/empty', hostPath: '/a', image: { image: '', user_specified_image: '' } },
      { containerPath: '/data', hostPath: '', image: { image: pauseId, user_specified_image: 'localhost/pause:1' } },
    ];
    expect(readMounts(mounts)).toMatchObject({ answer: [{ mountedImages: [pauseId, 'localhost/pause:1'] }] });
  });

  it.each([
    ['no path and no image', { containerPath: '/data', hostPath: '' }],
    ['no path, and an image without a name', { containerPath: '/data', hostPath: '', image: { image: '' } }],
    [
      'an image by its name alone',
      { containerPath: '/data', hostPath: '/a', image: { image: '', userSpecifiedImage: 'web:1' } },
    ],
  ])('refuses a mount that has %s: an image is used, but it is unknown which (T9)', (_, mount) => {
    expect(readMounts([mount])).toEqual({ flaw: '0.status.mounts.0: has neither a path nor an image' });
  });

  it.each([
    ['', 'it is empty'],
    ['{"images": [', 'it is cut off after 12 characters'],
    ['<html>', 'it is not JSON and starts with "<html>"'],
    ['null', 'expected object'],
    ['{}', 'images: Invalid input: expected array'],
    ['{"images": null}', 'images: Invalid input: expected array'],
  ])('reports the problem of %j (T1)', (text, flaw) => {
    expect(readAnswer(text, imagesAnswer)).toEqual({ flaw: expect.stringContaining(flaw) });
  });

  it.each<[lost: string, what: string, schema: z.ZodType, text: object, flaw: string]>([
    ['an ID', 'images', imagesAnswer, { images: [{ ...image, id: '' }] }, 'images.0.id: is not the ID of an image'],
    [
      'an ID, to a tag',
      'images',
      imagesAnswer,
      { images: [{ ...image, id: 'a.io/b:1' }] },
      'images.0.id: is not the ID',
    ],
    [
      'an ID, to an option',
      'images',
      imagesAnswer,
      { images: [{ ...image, id: '--all' }] },
      'images.0.id: is not the ID',
    ],
    ['tags', 'images', imagesAnswer, { images: [{ ...image, repoTags: undefined }] }, 'images.0.repoTags'],
    ['tags', 'images', imagesAnswer, { images: [{ ...image, repoTags: 'a' }] }, 'images.0.repoTags'],
    ['digests', 'images', imagesAnswer, { images: [{ ...image, repoDigests: null }] }, 'images.0.repoDigests'],
    ['a size', 'images', imagesAnswer, { images: [{ ...image, size: undefined }] }, 'images.0.size'],
    ['one of the pins', 'images', imagesAnswer, { images: [image, { ...image, pinned: true }] }, 'some of the images'],
    [
      'an ID',
      'containers',
      containersAnswer,
      { containers: [{ ...container, id: '-q' }] },
      'is not the ID of a container',
    ],
    ['its image', 'containers', containersAnswer, { containers: [{ ...container, imageRef: '' }] }, 'imageRef'],
    ['its image', 'containers', containersAnswer, { containers: [{ id: 'c' }] }, 'containers.0.imageRef'],
    ['mounts', 'a container', containerStatusesAnswer, { status: { id: 'c' } }, '0.status.mounts'],
    ['the image', 'a mount', containerStatusesAnswer, mounting({}), '0.status.mounts.0.image.image'],
    ['its name', 'the pause image', infoAnswer, { status: {}, config: { sandboxImage: '"a"' } }, 'is not a reference'],
    ['a state', 'sandboxes', sandboxesAnswer, { items: [{ id: 's', state: 'Sandbox_Ready' }] }, 'items.0.state'],
    ['its place', 'a filesystem', filesystemsAnswer, { status: { fsId: {} } }, '0.status'],
  ])('refuses an answer that has lost %s of %s (T1)', (_lost, _what, schema, answer, flaw) => {
    expect(readAnswer(JSON.stringify(answer), schema)).toEqual({ flaw: expect.stringContaining(flaw) });
  });
});

function mounting(image: object) {
  return { status: { id: 'c', mounts: [{ containerPath: '/data', hostPath: '/a', image }] } };
}

function readMounts(mounts: readonly object[]) {
  return readAnswer(JSON.stringify({ status: { id: 'c', finishedAt: '', mounts } }), containerStatusesAnswer);
}

describe('one odd image makes no other fail (H30)', () => {
  const other = { ...image, id: `sha256:${'cd'.repeat(32)}` };
  const readList = (images: readonly unknown[]) => read(JSON.stringify({ images }), imagesAnswer);

  it.each(['18446744073709551615', '-1', '', 'many', '9'.repeat(30), -1, 0.5, 2 ** 64])(
    'a size of %j, which no disk has, counts as 0 and is reported',
    (size) => {
      expect(readList([{ ...image, size }, other])).toEqual([
        { id, names: [], pinned: false, sizeBytes: 0, flaw: { kind: 'SizeUnknown', detail: expect.any(String) } },
        { id: other.id, names: [], pinned: false, sizeBytes: 1 },
      ]);
    },
  );

  it.each<[what: string, odd: unknown, rescued: object]>([
    ['no ID', { ...image, id: '' }, { id: '' }],
    ['a name as its ID', { ...image, id: 'a.io/b:1', repoTags: ['a.io/b:1'] }, { names: ['a.io/b:1'] }],
    ['an option as its ID', { ...image, id: '--all' }, { id: '--all' }],
    ['an ID that is a number', { ...image, id: 7 }, { id: '' }],
    ['no tags', { ...image, repoTags: null, repoDigests: ['a.io/b@sha256:1'] }, { id, names: ['a.io/b@sha256:1'] }],
    ['a tag that is no text', { ...image, repoTags: ['a.io/b:1', 7] }, { id, names: ['a.io/b:1'] }],
    ['a pin that is no pin', { ...image, pinned: 'yes' }, { id }],
    ['a size that is no size', { ...image, size: null }, { id }],
    ['nothing at all', null, { id: '' }],
  ])('an image with %s is reported, with the references that containers may use', (_, odd, rescued) => {
    const isPinTold = typeof odd === 'object' && odd !== null && 'pinned' in odd;
    const good = { ...other, ...(isPinTold && { pinned: false }) };
    expect(readList([odd, good])).toMatchObject([
      { ...rescued, flaw: { kind: 'Unreadable' } },
      { id: other.id, sizeBytes: 1 },
    ]);
  });

  it.each(['id', 'repoTags', 'repoDigests', 'size'])('but an image without %s shows a damaged answer (T1)', (field) => {
    const images = [other, { ...image, [field]: undefined }];
    const flaw = expect.stringContaining(`images.1.${field}: `);
    expect(readAnswer(JSON.stringify({ images }), imagesAnswer)).toEqual({ flaw });
  });

  it.each([
    ['a time that is a number', { created: 7 }],
    ['layers that are no list', { rootfs: { diff_ids: 'many' } }],
  ])('a configuration with %s leaves out only its image', (_, imageSpec) => {
    const answer = [{ status: { id }, info: { imageSpec } }, { status: { id: other.id } }];
    expect(read(JSON.stringify(answer), imageStatusesAnswer)).toEqual([{ id, isUnreadable: true }, { id: other.id }]);
  });
});
