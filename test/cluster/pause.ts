import { join } from 'node:path';
import { buildRunnableImageSpec, writeImages } from '../helpers/images.ts';
import { PAUSE_IMAGE } from './containerd.ts';

/** Writes the image that holds a pod's namespaces, which no registry has to be asked for then, and returns its path. */
export async function writePauseImage(directory: string, program: string): Promise<string> {
  const tar = join(directory, 'pause.tar');
  await writeImages(tar, [await buildRunnableImageSpec(PAUSE_IMAGE, program)]);
  return tar;
}
