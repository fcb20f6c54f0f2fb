import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type DiskUsage, isOverlay, usageOf, usedPercent } from '../contract/disk-usage.ts';
import { hasCode } from '../contract/errors.ts';
import type { Runtime } from './runtime/runtime.ts';

/** The filesystem with the images can't be measured, so thresholds have no meaning. */
export class DiskUnmeasurableError extends Error {
  override readonly name = 'DiskUnmeasurable';
}

/** The directories by which a cleaner finds the filesystem with the images. */
export type DiskView = {
  /**
   * The state directory, which the user has placed on the filesystem with the images; absent if the user named none.
   */
  readonly directory: string | undefined;
  /**
   * In a pod, the path of the state directory on the node: the runtime reports paths on the node, which the pod can't reach.
   * Absent if this process sees the files of the node as the runtime does.
   */
  readonly pathOnNode?: string | undefined;
};

/**
 * Measures the filesystem with the images: the fullest of those that the runtime reports. Creates no directory. Throws a
 * {@link DiskUnmeasurableError} if the filesystem is not visible; it never guesses.
 */
export async function measureImageDisk(
  runtime: Pick<Runtime, 'getImageFilesystems'>,
  { directory, pathOnNode }: DiskView,
): Promise<DiskUsage> {
  const mountpoints = await runtime.getImageFilesystems();
  if (directory !== undefined && pathOnNode !== undefined)
    return fullestOf(
      mountpoints,
      await Promise.all(mountpoints.map((path) => measureFromPod(path, directory, pathOnNode))),
    );
  const seen = (await Promise.all(mountpoints.map(readUsageIfThere))).filter((usage) => usage !== undefined);
  return seen.length === 0 && directory !== undefined ? measureDirectory(directory) : fullestOf(mountpoints, seen);
}

/** The root directory of a container has the usage of the filesystem with the images, see {@link isOverlay}. */
async function measureFromPod(mountpoint: string, directory: string, pathOnNode: string): Promise<DiskUsage> {
  const root = isImageStoreOfItsOwn(mountpoint) ? undefined : await readOverlayRoot();
  if (isBelow(mountpoint, dirname(pathOnNode))) {
    const own = await measureDirectory(directory);
    // Another filesystem may be mounted between the two.
    return root === undefined || root.capacityBytes === own.capacityBytes ? own : root;
  }
  if (root !== undefined) return root;
  throw new DiskUnmeasurableError(
    `the runtime keeps its images in ${mountpoint}, and the state directory ${pathOnNode} is on another filesystem: set NODESWEEP_STATE_DIRECTORIES of the scheduler to a directory on the filesystem with the images`,
  );
}

/** Measures the filesystem of a directory that may not exist yet: on a full disk it can't be created before a removal. */
async function measureDirectory(directory: string): Promise<DiskUsage> {
  const usage = await readUsageIfThere(directory);
  if (usage !== undefined) return usage;
  const parent = dirname(directory);
  return parent === directory ? usageOf(await statfs(directory)) : measureDirectory(parent);
}

/** `overlay-images` of containers/storage, which may be separate from the store of the containers (`imagestore`). */
function isImageStoreOfItsOwn(mountpoint: string): boolean {
  return mountpoint.endsWith('-images');
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

async function readOverlayRoot(): Promise<DiskUsage | undefined> {
  const root = await statfs('/');
  return isOverlay(root) ? usageOf(root) : undefined;
}

async function readUsageIfThere(path: string): Promise<DiskUsage | undefined> {
  try {
    return usageOf(await statfs(path));
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return undefined;
    throw error;
  }
}

function fullestOf(mountpoints: readonly string[], usages: readonly DiskUsage[]): DiskUsage {
  const [fullest] = usages.toSorted((a, b) => usedPercent(b) - usedPercent(a));
  if (fullest !== undefined && fullest.capacityBytes > 0) return fullest;
  throw new DiskUnmeasurableError(
    `the runtime keeps its images in ${mountpoints.join(', ')}, which can't be measured here: name a directory on that filesystem with --state, or use a policy without disk thresholds`,
  );
}
