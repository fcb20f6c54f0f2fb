import { isLoopback } from '../download/address.ts';

/** The address of a server can't be used. */
export class ServerAddressError extends Error {
  override readonly name = 'ServerAddressError';
}

/**
 * Reads the address of a server that gets credentials: https, or http with a loopback address or where it is allowed. Throws a
 * {@link ServerAddressError} with the next step.
 */
export function parseServerAddress(text: string, allowHttp: boolean): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new ServerAddressError(
      'the address must begin with https:// and have a host, such as https://harbor.example.com',
    );
  if (url.username !== '' || url.password !== '')
    throw new ServerAddressError('the address has a user name or a password: put them into files, and name these');
  if (url.search !== '' || url.hash !== '') throw new ServerAddressError('the address has more than a host and a path');
  if (url.protocol === 'http:' && !allowHttp && !isLoopback(url.hostname))
    throw new ServerAddressError(
      `the connection to ${url.host} would not be encrypted: use https://, or allow it with --allow-http`,
    );
  return url;
}
