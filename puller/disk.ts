import { statfs } from 'node:fs/promises';
import { type DiskUsage, isOverlay, usageOf } from '../contract/disk-usage.ts';

/**
 * Measures the filesystem that pulled images fill. The root of this container is on it, if the runtime uses overlayfs. For
 * another snapshotter it is the filesystem of `directory`, an emptyDir: the kubelet keeps it beside the images, unless the
 * node has a filesystem of its own for images.
 */
export async function measureDisk(directory: string): Promise<DiskUsage> {
  const root = await statfs('/');
  return usageOf(isOverlay(root) ? root : await statfs(directory));
}
