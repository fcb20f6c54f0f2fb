import { isIP } from 'node:net';

/** An address can't be used. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
}

/**
 * Parses an address. Only https is accepted, and http to this machine, or with `isHttpAllowed`: everybody on the way could change
 * what is removed. Throws an {@link AddressError}.
 */
export function parseAddress(text: string, isHttpAllowed: boolean): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new AddressError('the address must begin with https:// (for a file, use nodesweep set file)');
  if (url.username !== '' || url.password !== '')
    throw new AddressError('the address has a user name or password: put them into a file for --header-file');
  if (url.protocol === 'http:' && !isHttpAllowed && !isLoopback(url.hostname))
    throw new AddressError(`the address of ${url.host} must begin with https://, or allow http with --allow-http`);
  return url;
}

/** An address without its query, which may have a secret. */
export function showAddress({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

/** True for an address of this machine. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
