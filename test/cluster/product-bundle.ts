import { join } from 'node:path';
import { execa } from 'execa';

const CHECKOUT = join(import.meta.dirname, '../..');

/** Bundles the product as it is now, the way it is shipped, for processes of this machine. */
export async function buildProduct(directory: string): Promise<void> {
  await execa(process.execPath, ['build.config.ts', join(directory, 'product')], { cwd: CHECKOUT });
}

/** The executable of the bundle in a directory. */
export function productMain(directory: string): string {
  return join(directory, 'product/main.js');
}
