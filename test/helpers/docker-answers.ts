import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** All that a real Docker Engine answered, as JSON. */
export type DockerAnswers = {
  images: readonly RecordedImage[];
  readonly imagesShared: readonly RecordedImage[];
  readonly imagesInspected: readonly RecordedImage[];
  containers: readonly RecordedContainer[];
  containersInspected: readonly RecordedContainer[];
  readonly systemDf: unknown;
  readonly info: object;
  readonly removals: readonly RecordedRemoval[];
};

export type RecordedImage = { readonly Id: string; readonly RepoTags?: readonly string[] | null };
export type RecordedContainer = { readonly Id: string; readonly Image: string; readonly [key: string]: unknown };
export type RecordedRemoval = {
  readonly title: string;
  readonly name: string;
  readonly request: string;
  readonly status: number;
  readonly body: unknown;
};

/** Docker Engine 29 has the image store of containerd, where the ID of an image is the digest of its manifest. */
export function readDockerAnswers(version: 'docker-20.10' | 'docker-29'): DockerAnswers {
  const directory = join(import.meta.dirname, '../fixtures/answers', version);
  const read = (name: string) => JSON.parse(readFileSync(join(directory, `${name}.json`), 'utf8'));
  const has = (name: string) => existsSync(join(directory, `${name}.json`));
  return {
    images: read('images'),
    // An older version ignores that it is asked for more.
    imagesShared: read(has('images-shared') ? 'images-shared' : 'images'),
    imagesInspected: read('images-inspected'),
    containers: read('containers'),
    containersInspected: read('containers-inspected'),
    systemDf: has('system-df') ? read('system-df') : undefined,
    info: read('info'),
    removals: read('removals'),
  };
}

/** The ID of the image with that tag. */
export function imageIdOf({ images }: DockerAnswers, tag: string): string {
  const image = images.find(({ RepoTags }) => RepoTags?.includes(tag));
  if (image === undefined) throw new Error(`no image called ${tag} was recorded`);
  return image.Id;
}
