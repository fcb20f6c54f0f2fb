import { isIP } from 'node:net';
import { parseReference } from '../../contract/images/reference.ts';

/** The decision which hosts may be asked without encryption: this machine, and those that a setting names. */
export class PlainHosts {
  readonly #named: ReadonlySet<string>;

  constructor(named: readonly string[]) {
    this.#named = new Set(named.map((host) => host.toLowerCase()));
  }

  /** True for a host, with its port if it has one. */
  has(host: string): boolean {
    return isLoopback(hostnameOf(host)) || this.#named.has(host.toLowerCase());
  }

  /** True if a request may go to an address, with or without encryption. */
  allows({ protocol, host }: URL): boolean {
    return protocol === 'https:' || (protocol === 'http:' && this.has(host));
  }
}

/** The address of the manifest of an image (`repository@digest`); undefined if the name makes none. */
export function manifestAddress(repository: string, digest: string, plain: PlainHosts): URL | undefined {
  // A runtime may list any text. Only a valid reference makes an address within its registry.
  if (parseReference(`${repository}@${digest}`)?.repository !== repository) return undefined;
  const slash = repository.indexOf('/');
  const host = repository.slice(0, slash);
  const path = repository.slice(slash + 1);
  // The registry of docker.io has another name, as in containerd and Docker.
  const server = host === 'docker.io' ? 'registry-1.docker.io' : host;
  try {
    const address = new URL(`${plain.has(host) ? 'http' : 'https'}://${server}`);
    address.pathname = `/v2/${path}/manifests/${digest}`;
    return address;
  } catch {
    return undefined;
  }
}

function hostnameOf(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

function isLoopback(name: string): boolean {
  if (name.toLowerCase() === 'localhost') return true;
  return isIP(name) === 4 ? name.startsWith('127.') : name === '::1';
}
