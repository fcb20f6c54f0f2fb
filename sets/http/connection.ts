import { readFile } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';
import { type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { messageOf } from '../../contract/errors.ts';

/** The file with certificates of authorities can't be used. */
export class AuthoritiesError extends Error {
  override readonly name = 'AuthoritiesError';
}

const connectTimeoutMs = 10_000;

/** Reads certificates of authorities, and adds those of the system. Rejects with an {@link AuthoritiesError}. */
export async function readAuthorities(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AuthoritiesError(`the certificates in ${path} can't be read: ${messageOf(cause)}; check --ca-file`, {
      cause,
    });
  });
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new AuthoritiesError(
      `${path} has no certificate in PEM: give the certificates of authorities with --ca-file`,
    );
  return [...getCACertificates('default'), text];
}

/**
 * Opens the connections to servers, by HTTP/1.1, whose answers say how long they are. The variables HTTP_PROXY, HTTPS_PROXY and
 * NO_PROXY count, in both cases. `ca` are the authorities to trust; by default those of the system.
 */
export function openConnection(environment: NodeJS.ProcessEnv, ca?: string[]): Dispatcher {
  const tls = { timeout: connectTimeoutMs, allowH2: false, ...(ca && { ca }) };
  const variable = (name: string) => environment[name.toLowerCase()] ?? environment[name] ?? '';
  return new EnvHttpProxyAgent({
    allowH2: false,
    connect: tls,
    requestTls: tls,
    proxyTls: tls,
    httpProxy: variable('HTTP_PROXY'),
    httpsProxy: variable('HTTPS_PROXY'),
    noProxy: variable('NO_PROXY'),
  });
}
