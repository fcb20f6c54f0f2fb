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
} from '../../cleaner/crictl-answers.ts';

const pauseId = 'sha256:76585ba2601f3fbb37a09db3dff721ac27847d99541f0bcbab12dfab9d15e662';

function readSample<T extends z.ZodType>(sample: string, schema: T): z.output<T> {
  const text = readFileSync(new URL(`../fixtures/answers/${sample}`, import.meta.url), 'utf8');
  return read(text, schema);
}

function read<T extends z.ZodType>(text: string, schema: T): z.output<T> {
  const result = readAnswer(text, schema);
  if ('flaw' in result) throw new Error(result.flaw);
  return result.answer;
}

describe.each([
  ['containerd-1.6', { pinned: false, sandboxImage: 'localhost/pause:1', ready: [] }],
  ['containerd-2.4', { pinned: true, sandboxImage: undefined, ready: ['SANDBOX_READY'] }],
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

  it('give the pause image where they tell it (T7)', () => {
    expect(readSample(`${version}/info.json`, infoAnswer)).toBe(expected.sandboxImage);
  });

  it('give the states of sandboxes', () => {
    const states = readSample(`${version}/pods.json`, sandboxesAnswer);
    expect(states.filter((state) => state === 'SANDBOX_READY')).toEqual(expected.ready);
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

  it('of containerd 2.4 have the ID and what the user wrote (T6)', () => {
    const [done] = readSample('containerd-2.4/ps-a.json', containersAnswer);
    expect(done).toMatchObject({ name: 'done', imageId: pauseId, references: ['localhost/pause:1', pauseId] });
  });

  it('are told one document after the other by a crictl before 1.31, whose last one may be cut off', () => {
    const one = (id: string) => JSON.stringify({ status: { id } }, undefined, 2);
    const ids = (text: string) => readAnswer(text, containerStatusesAnswer);
    expect(ids(`${one('a')}\n${one('b')}\n`)).toMatchObject({ answer: [{ id: 'a' }, { id: 'b' }] });
    expect(ids(`${one('a')}\n${one('b').slice(0, -3)}`)).toMatchObject({ flaw: expect.stringContaining('cut off') });
  });

  it('finish at the time that inspect tells (N1)', () => {
    const [done] = readSample('containerd-2.4/inspect.json', containerStatusesAnswer);
    expect(done).toMatchObject({ mountedImages: [], finishedAt: Date.parse('2026-11-21T08:53:16.323Z') });
  });
});

describe('readAnswer', () => {
  it.each([
    ['the year 1', '0001-01-01T00:00:00Z'],
    ['the epoch', '1970-01-01T00:00:00Z'],
    ['nothing', ''],
    ['no time at all', 'yesterday'],
  ])('takes %s for no time', (_, created) => {
    const answer = { status: { id: 'a' }, info: { imageSpec: { created } } };
    expect(read(JSON.stringify(answer), imageStatusesAnswer)).toEqual([{ id: 'a', builtAt: undefined }]);
  });

  it('takes one answer, or several in an array', () => {
    const answer = { status: { id: 'a' }, info: { imageSpec: { created: '2026-01-31T00:00:00Z' } } };
    const expected = { id: 'a', builtAt: Date.UTC(2026, 0, 31) };
    expect(read(JSON.stringify([answer, answer]), imageStatusesAnswer)).toEqual([expected, expected]);
  });

  it.each([
    ['an older crictl, without pinned and empty fields (T8, T20)', { id: 'a', size: '9007199254740993' }],
    ['null in place of empty lists', { id: 'a', repoTags: null, repoDigests: null, size: 0, uid: null, spec: null }],
    ['fields that nobody knows yet', { id: 'a', size: '1', uid: { value: '0' }, novelty: [{}] }],
    [
      'placeholders in place of names (T11)',
      { id: 'a', size: '1', repoTags: ['<none>:<none>'], repoDigests: ['<none>'] },
    ],
  ])('understands images of %s', (_, image) => {
    const [read_] = read(JSON.stringify({ images: [image] }), imagesAnswer);
    expect(read_).toEqual({ id: 'a', names: [], pinned: false, sizeBytes: Number(image.size) });
  });

  it('finds images that are mounted as volumes (T9)', () => {
    const mounts = [
      { containerPath: '/plain', image: null },
      { containerPath: '/empty', image: { image: '', user_specified_image: '' } },
      { containerPath: '/data', image: { image: pauseId, user_specified_image: 'localhost/pause:1' } },
    ];
    const answer = JSON.stringify({ status: { id: 'a', finishedAt: '0001-01-01T00:00:00Z', mounts } });
    expect(read(answer, containerStatusesAnswer)).toEqual([{ id: 'a', mountedImages: [pauseId, 'localhost/pause:1'] }]);
  });

  it.each([
    ['', 'it is empty'],
    ['{"images": [', 'it is cut off after 12 characters'],
    ['<html>', 'it is no JSON and starts with "<html>"'],
    ['null', 'expected object'],
    ['{}', 'images: Invalid input: expected array'],
    ['{"images": null}', 'images: Invalid input: expected array'],
    ['{"images": [{"id": ""}]}', 'images.0.id'],
    ['{"images": [{"id": "a", "size": "-1"}]}', 'images.0.size'],
    ['{"images": [{"id": "a", "repoTags": "a"}]}', 'images.0.repoTags'],
  ])('says what is wrong with %j (T1)', (text, flaw) => {
    expect(readAnswer(text, imagesAnswer)).toEqual({ flaw: expect.stringContaining(flaw) });
  });
});
