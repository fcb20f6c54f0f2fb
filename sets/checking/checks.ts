import { readFile } from 'node:fs/promises';
import { messageOf } from '../../contract/errors.ts';
import { CheckError, checkChecksum, checkSignature, findChecksum, parseChecksum, parsePublicKey } from './check.ts';

/** The checks of a content that the options ask for. */
export interface CheckOptions {
  readonly sha256?: string | undefined;
  readonly sha256File?: string | undefined;
  readonly publicKey?: string | undefined;
  /** The path or the address of the signature. */
  readonly signature?: string | undefined;
}

/** True if a content is checked. */
export function isChecked({ sha256, sha256File, publicKey }: CheckOptions): boolean {
  return (sha256 ?? sha256File ?? publicKey) !== undefined;
}

/**
 * Throws a {@link CheckError} if the content does not match. `fileName` is its name in a list of checksums, and `readSignature`
 * reads the file or address of the signature.
 */
export async function checkContent(
  content: Uint8Array,
  options: CheckOptions,
  fileName: string,
  readSignature: (place: string) => Promise<Uint8Array>,
): Promise<void> {
  const { sha256, sha256File, publicKey, signature } = options;
  if (sha256 !== undefined) checkChecksum(content, parseChecksum(sha256));
  if (sha256File !== undefined) checkChecksum(content, findChecksum(await readText(sha256File), fileName));
  if (publicKey === undefined || signature === undefined) return;
  const key = parsePublicKey(await readText(publicKey));
  checkSignature(content, await readSignature(signature), key);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new CheckError(`file ${path} can't be read: ${messageOf(cause)}`, { cause });
  }
}
