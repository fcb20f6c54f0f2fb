import { readFile } from 'node:fs/promises';
import { hasCode } from '../../contract/errors.ts';

/** The address can't be used. The message never has any part of it. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
}

/** Reads the address of the receiver from a file. Throws an {@link AddressError} with the next step. */
export async function readAddress(path: string): Promise<URL> {
  const text = (await readText(path)).trim();
  if (text === '') throw new AddressError(`${path} is empty: put the address of the webhook into the Secret`);
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new AddressError(`${path} has no address that begins with https:// or http://`);
  if (url.username !== '' || url.password !== '')
    throw new AddressError(`${path} has an address with a user name, which is not supported`);
  return url;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw new AddressError(`${path} is missing: create the Secret with the address`);
    throw new AddressError(`${path} can't be read`);
  }
}
