import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';

/** An image to write. What is equal here is equal in every byte, so IDs and digests can be foretold. */
export interface ImageSpec {
  /** Names with a tag. */
  readonly names: readonly string[];
  /** Repositories in which the image is known by its digest alone. */
  readonly digestRepositories: readonly string[];
  readonly layers: readonly (readonly LayerFile[])[];
  /** All that a container of it runs. */
  readonly command: readonly string[];
  /** Build time, as RFC 3339; without it the image has none. */
  readonly created?: string;
  /** The user by which a container of it runs; without it the image has none. */
  readonly user?: string;
  /** The directories that are volumes. */
  readonly volumes?: readonly string[];
  /** By its name in OCI; without it, that of this machine. */
  readonly architecture?: string;
}

export interface LayerFile {
  readonly path: string;
  readonly content: Buffer | string;
  readonly executable?: boolean;
}

/** An image as a runtime will know it. */
export interface WrittenImage {
  /** Digest of its configuration, which is what runtimes call an image's ID. */
  readonly id: string;
  /** Digest of its manifest. */
  readonly digest: string;
  /** Every name it was given, digest names included. */
  readonly names: readonly string[];
}

/** An image that no test says more about than its overrides. */
export function buildImageSpec(overrides: Partial<ImageSpec> = {}): ImageSpec {
  return { names: [], digestRepositories: [], layers: [[]], command: ['/program', 'pause'], ...overrides };
}

/** `count` images named `REPOSITORY-0:1`, `REPOSITORY-1:1`, … that share no layer. */
export function buildImageSpecs(repository: string, count: number, size: ImageSize = SMALL): readonly ImageSpec[] {
  return Array.from({ length: count }, (_, index) =>
    buildImageSpec({ names: [`${repository}-${index}:1`], layers: fillerLayers(`${repository}-${index}`, size) }),
  );
}

export interface ImageSize {
  readonly layers: number;
  readonly filesPerLayer: number;
  readonly bytesPerFile: number;
}

const SMALL: ImageSize = { layers: 2, filesPerLayer: 40, bytesPerFile: 100 };

/** Layers of that size that differ from those of any other seed. */
export function fillerLayers(seed: string, size: ImageSize = SMALL): ImageSpec['layers'] {
  return Array.from({ length: size.layers }, (_, layer) =>
    Array.from({ length: size.filesPerLayer }, (_, file) => ({
      path: `filler/${layer}/${file}`,
      content: `${seed}/${layer}/${file}\n`.padEnd(size.bytesPerFile, '.'),
    })),
  );
}

/** An image that can run: `program` is the static executable of the test cluster, `command` its arguments. */
export async function buildRunnableImageSpec(
  name: string,
  program: string,
  command: readonly string[] = ['pause'],
): Promise<ImageSpec> {
  const file = { path: 'program', content: await readFile(program), executable: true };
  const label = { path: 'name', content: name };
  return buildImageSpec({ names: [name], layers: [[file], [label]], command: ['/program', ...command] });
}

/** Writes the images into one tar, an OCI layout for `ctr images import` and an archive for `docker load` in one. */
export async function writeImages(tar: string, specs: readonly ImageSpec[]): Promise<readonly WrittenImage[]> {
  const archive = pack();
  const writing = pipeline(archive, createWriteStream(tar));
  const layout = new Layout(archive);
  layout.addFile('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  const images: WrittenImage[] = [];
  for (const spec of specs) images.push(await addImage(layout, spec));
  layout.addFile('index.json', json({ schemaVersion: 2, manifests: layout.named }));
  layout.addFile('manifest.json', json(layout.archived));
  archive.finalize();
  await writing;
  return images;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An image in a Docker archive. */
interface ArchivedImage {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

/** An OCI layout that is being written; a blob that several images have is in it once. */
class Layout {
  readonly named: Descriptor[] = [];
  readonly archived: ArchivedImage[] = [];
  readonly #archive: Pack;
  readonly #written = new Set<string>();

  constructor(archive: Pack) {
    this.#archive = archive;
  }

  addFile(name: string, content: Buffer): void {
    this.#archive.entry({ name, mtime: EPOCH }, content);
  }

  addBlob(mediaType: string, content: Buffer): Descriptor {
    const hash = createHash('sha256').update(content).digest('hex');
    if (!this.#written.has(hash)) this.addFile(blobPath(`sha256:${hash}`), content);
    this.#written.add(hash);
    return { mediaType: `application/vnd.oci.image.${mediaType}`, digest: `sha256:${hash}`, size: content.length };
  }
}

const EPOCH = new Date(0);

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

async function addImage(layout: Layout, spec: ImageSpec): Promise<WrittenImage> {
  const layers: Descriptor[] = [];
  for (const files of spec.layers) layers.push(layout.addBlob('layer.v1.tar', await layerTar(files)));
  const config = layout.addBlob('config.v1+json', json(imageConfig(spec, layers)));
  const manifest = layout.addBlob('manifest.v1+json', json({ schemaVersion: 2, config, layers }));
  const names = [...spec.names, ...spec.digestRepositories.map((repository) => `${repository}@${manifest.digest}`)];
  for (const name of names) layout.named.push({ ...manifest, annotations: { 'io.containerd.image.name': name } });
  const paths = layers.map(({ digest }) => blobPath(digest));
  layout.archived.push({ Config: blobPath(config.digest), RepoTags: spec.names, Layers: paths });
  return { id: config.digest, digest: manifest.digest, names };
}

function imageConfig({ command, created, user, volumes, architecture }: ImageSpec, layers: readonly Descriptor[]) {
  return {
    ...(created === undefined ? {} : { created }),
    architecture: architecture ?? (process.arch === 'x64' ? 'amd64' : process.arch),
    os: 'linux',
    config: {
      Entrypoint: command,
      ...(user === undefined ? {} : { User: user }),
      ...(volumes === undefined ? {} : { Volumes: Object.fromEntries(volumes.map((path) => [path, {}])) }),
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  };
}

async function layerTar(files: readonly LayerFile[]): Promise<Buffer> {
  const layer = pack();
  for (const { path, content, executable = false } of files) {
    layer.entry({ name: path, mode: executable ? 0o755 : 0o644, mtime: EPOCH }, content);
  }
  layer.finalize();
  return buffer(layer);
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
