import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { buildImage, hasImage } from './buildah.ts';
import { cached } from './cache.ts';
import { progress } from './progress.ts';

/** Names of the images that the product's Dockerfile starts from. */
export interface Bases {
  readonly base: string;
  readonly buildBase: string;
}

const DEBIAN = 'bookworm';
const NODE = join(import.meta.dirname, '../../node_modules/node/bin');
const DOCKERFILE = join(import.meta.dirname, 'base.Dockerfile');

/** Makes the bases once for each version of what they are made of: a minimal Debian, Node.js, and npm for the build. */
export async function buildBases(): Promise<Bases> {
  const npm = join((await execa('npm', ['root', '--global'])).stdout, 'npm');
  const version = await hashOf(DEBIAN, process.version, join(npm, 'package.json'), DOCKERFILE);
  const bases = { base: `localhost/base:${version}`, buildBase: `localhost/build-base:${version}` };
  if (await hasImage(bases.buildBase)) return bases;
  progress('Making a base for the product image (once, about a minute)');
  const context = await mkdtemp(join(tmpdir(), 'nodesweep-base-'));
  try {
    const trusted = await writeCertificates(join(context, 'certificates.pem'));
    await cp(await debianFilesystem(), join(context, 'rootfs.tar'));
    const build = { dockerfile: DOCKERFILE, context, contexts: { node: NODE, npm } };
    await buildImage({ ...build, tag: bases.base, target: 'base', arguments: {} });
    await buildImage({ ...build, tag: bases.buildBase, arguments: { NODE_EXTRA_CA_CERTS: trusted } });
  } finally {
    await rm(context, { recursive: true, force: true });
  }
  return bases;
}

/** A tar of a minimal Debian, from Debian's mirrors. */
async function debianFilesystem(): Promise<string> {
  const directory = await cached('debian', [DEBIAN, 'minbase'], async (directory) => {
    const root = join(directory, 'root');
    await execa('debootstrap', ['--variant=minbase', DEBIAN, root]);
    const leftOut = ['dev/*', 'var/cache/apt', 'var/lib/apt/lists'].map((path) => `--exclude=./${path}`);
    await execa('tar', ['--create', '--file', join(directory, 'root.tar'), '--directory', root, ...leftOut, '.']);
    await rm(root, { recursive: true });
  });
  return join(directory, 'root.tar');
}

/** Copies the certificates that Node.js trusts on this machine besides its own; returns their path in the image. */
async function writeCertificates(path: string): Promise<string> {
  const extra = process.env.NODE_EXTRA_CA_CERTS;
  await writeFile(path, extra ? await readFile(extra) : '');
  return extra ? '/etc/ssl/certs/extra.pem' : '';
}

async function hashOf(...[debian, node, npmPackage, dockerfile]: [string, string, string, string]): Promise<string> {
  const { version } = JSON.parse(await readFile(npmPackage, 'utf8'));
  const text = [debian, node, version, await readFile(dockerfile, 'utf8')].join('\n');
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
