import { filesize } from 'filesize';

/** Writes a number of bytes for people, in binary units: `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  return filesize(bytes, { standard: 'iec', round: 1 });
}
