import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildImageSpec, buildImageSpecs, type ImageSpec, writeImages } from './images.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-images-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('the same specifications give the same bytes', async () => {
  const specs = buildImageSpecs('docker.io/acme/app', 3);
  expect(await write('first.tar', specs)).toEqual(await write('second.tar', specs));
});

test('an image with two tags and a digest name is one manifest under three names', async () => {
  const spec = buildImageSpec({
    names: ['docker.io/acme/a:1', 'docker.io/acme/a:2'],
    digestRepositories: ['docker.io/acme/b'],
  });
  const { images, files } = await write('image.tar', [spec]);
  const { manifests } = JSON.parse(files.get('index.json') ?? '');
  const names = manifests.map(({ annotations }: Manifest) => annotations['io.containerd.image.name']);
  expect(names).toEqual(['docker.io/acme/a:1', 'docker.io/acme/a:2', `docker.io/acme/b@${images[0]?.digest}`]);
  expect(new Set(manifests.map(({ digest }: Manifest) => digest))).toEqual(new Set([images[0]?.digest]));
});

test('an archive for Docker names every image with the blobs of its configuration and its layers', async () => {
  const { images, files } = await write('image.tar', [buildImageSpec({ names: ['acme/a:1', 'acme/a:2'] })]);
  const [{ Config, RepoTags, Layers }] = JSON.parse(files.get('manifest.json') ?? '');
  expect(RepoTags).toEqual(['acme/a:1', 'acme/a:2']);
  expect(Config).toBe(`blobs/${images[0]?.id.replace(':', '/')}`);
  expect([Config, ...Layers].filter((path) => !files.has(path))).toEqual([]);
});

test('every blob is named by its own digest, and images share no layer', async () => {
  const { files } = await write('images.tar', buildImageSpecs('docker.io/acme/app', 3));
  const blobs = [...files].filter(([name]) => name.startsWith('blobs/'));
  expect(blobs).toHaveLength(3 * (2 + 2));
  for (const [name, content] of blobs) {
    expect(name).toBe(`blobs/sha256/${createHash('sha256').update(content).digest('hex')}`);
  }
});

interface Manifest {
  readonly digest: string;
  readonly annotations: Readonly<Record<string, string>>;
}

async function write(name: string, specs: readonly ImageSpec[]) {
  const tar = join(directory, name);
  const images = await writeImages(tar, specs);
  const files = new Map<string, string>();
  for await (const entry of createReadStream(tar).pipe(extract())) {
    files.set(entry.header.name, (await buffer(entry)).toString());
  }
  return { images, files };
}
