import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { buildBases } from './base.ts';
import { buildImage, countLayers, exportImage } from './buildah.ts';
import type { Cluster } from './cluster.ts';
import { findCrictl } from './crictl.ts';
import { progress } from './progress.ts';

export interface ProductImage {
  readonly name: string;
  /** OCI layout, to import into nodes. */
  readonly tar: string;
  /** Compressed size of what the product adds to its base. */
  readonly ownBytes: number;
}

const CHECKOUT = join(import.meta.dirname, '../..');
const NAME = 'localhost/nodesweep:e2e';
/** The name by which the manifests ask for the image. */
const INSTALLED_NAME = 'docker.io/library/nodesweep:0.1.0';

/** Builds the product image and brings it to every node, so that the manifests can be applied as they are. */
export async function bringProductImage({ directory, nodes }: Pick<Cluster, 'directory' | 'nodes'>): Promise<void> {
  const { name, tar } = await buildProductImage(directory);
  for (const node of nodes) {
    progress(`Importing the product image into ${node.name}`);
    await node.importImages(tar);
    await node.ctr('images', 'tag', '--force', name, INSTALLED_NAME);
  }
}

/** Builds the product's Dockerfile over a base made on this machine. */
export async function buildProductImage(directory: string): Promise<ProductImage> {
  const bases = await buildBases();
  progress('Building the product image');
  const work = await mkdtemp(join(tmpdir(), 'nodesweep-image-'));
  try {
    await provideCrictl(work);
    await buildImage({
      dockerfile: join(CHECKOUT, 'Dockerfile'),
      context: CHECKOUT,
      tag: NAME,
      arguments: { BASE: bases.base, BUILD_BASE: bases.buildBase },
      contexts: { crictl: work },
    });
    return await exportProduct(directory, join(work, 'layout'), bases.base);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function provideCrictl(directory: string): Promise<void> {
  const { path, isStandIn } = await findCrictl(directory);
  if (isStandIn) progress('No crictl on PATH: the image gets a stand-in that speaks the same interface');
  else await copyFile(path, join(directory, 'crictl'));
}

async function exportProduct(directory: string, layout: string, base: string): Promise<ProductImage> {
  const tar = join(directory, 'product.tar');
  await exportImage(NAME, layout);
  await execa('tar', ['--create', '--file', tar, '--directory', layout, '.']);
  const sizes = await layerSizes(layout);
  const ownBytes = sizes.slice(await countLayers(base)).reduce((sum, size) => sum + size, 0);
  progress(`The product adds ${(ownBytes / 1e6).toFixed(2)} MB (compressed) to its base`);
  return { name: NAME, tar, ownBytes };
}

async function layerSizes(layout: string): Promise<readonly number[]> {
  const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'));
  const blob = join(layout, 'blobs', index.manifests[0].digest.replace(':', '/'));
  const manifest = JSON.parse(await readFile(blob, 'utf8'));
  return manifest.layers.map(({ size }: { size: number }) => size);
}
