import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { buildCrictl } from '../fixtures/crictl/build.ts';
import { buildBases } from './base.ts';
import { buildImage, countLayers, exportImage } from './buildah.ts';
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

/** Builds the product's Dockerfile over a base made on this machine, with a stand-in where crictl can't be had. */
export async function buildProductImage(directory: string): Promise<ProductImage> {
  const bases = await buildBases();
  progress('Building the product image');
  const work = await mkdtemp(join(tmpdir(), 'nodesweep-image-'));
  try {
    await buildCrictl(work);
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
