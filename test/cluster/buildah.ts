import { join } from 'node:path';
import { execa } from 'execa';
import { cacheDirectory } from './cache.ts';

export interface ImageBuild {
  readonly dockerfile: string;
  readonly context: string;
  readonly tag: string;
  readonly target?: string;
  readonly arguments: Readonly<Record<string, string>>;
  /** Directories that the Dockerfile copies from by name; each replaces a stage of that name. */
  readonly contexts: Readonly<Record<string, string>>;
}

/** Builds an image; steps whose inputs have not changed are taken from the last build. */
export async function buildImage(build: ImageBuild): Promise<void> {
  const options = [
    ...['--file', build.dockerfile, '--tag', build.tag],
    ...(build.target === undefined ? [] : ['--target', build.target]),
    ...Object.entries(build.arguments).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...Object.entries(build.contexts).flatMap(([name, directory]) => ['--build-context', `${name}=${directory}`]),
  ];
  await buildah('build', '--isolation', 'chroot', '--layers', '--pull-never', ...options, build.context);
}

export async function hasImage(tag: string): Promise<boolean> {
  return (await buildah('images', '--quiet', '--filter', `reference=${tag}`)) !== '';
}

export async function countLayers(tag: string): Promise<number> {
  return Number(await buildah('inspect', '--type', 'image', '--format', '{{len .OCIv1.RootFS.DiffIDs}}', tag));
}

/** Writes an image as an OCI layout into a directory; its layers are compressed, as a registry would have them. */
export async function exportImage(tag: string, directory: string): Promise<void> {
  await buildah('push', tag, `oci:${directory}:${tag}`);
}

/** Images are kept apart from those of the machine. */
async function buildah(command: string, ...arguments_: readonly string[]): Promise<string> {
  const storage = join(cacheDirectory(), 'buildah');
  const { stdout } = await execa('buildah', [
    ...['--root', join(storage, 'root'), '--runroot', join(storage, 'run')],
    command,
    ...arguments_,
  ]);
  return stdout.trim();
}
