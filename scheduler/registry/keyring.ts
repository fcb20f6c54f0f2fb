import * as z from 'zod';

/** The user and password for a registry. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Credentials, with the place for which they are: a host, perhaps with wildcards, a port and the beginning of a path. */
export interface KeyringEntry {
  readonly place: string;
  readonly credentials: Credentials;
}

/** The content of a Secret of the type kubernetes.io/dockerconfigjson. */
const configSchema = z.object({
  auths: z.record(
    z.string(),
    z.object({ username: z.string().optional(), password: z.string().optional(), auth: z.string().optional() }),
  ),
});

/** The place of the credentials for docker.io (`defaultRegistryKey` of the kubelet). */
const defaultPlace = 'index.docker.io';

/** Reads a `config.json`. Throws if it is not one. The error does not have its content. */
export function readConfig(text: string): readonly KeyringEntry[] {
  const { auths } = configSchema.parse(JSON.parse(text));
  return Object.entries(auths).flatMap(([key, { username = '', password = '', auth }]) => {
    const place = placeOf(key);
    const credentials = auth ? decodeAuth(auth) : { username, password };
    return place === undefined || credentials === undefined ? [] : [{ place, credentials }];
  });
}

/**
 * The credentials for a repository, the most specific place first, as the keyring of the kubelet finds them
 * (`BasicDockerKeyring` in pkg/credentialprovider/keyring.go): each part of the host is a wildcard pattern, and the path is a
 * prefix.
 */
export function findCredentials(entries: readonly KeyringEntry[], repository: string): readonly Credentials[] {
  const sorted = entries.toSorted((one, other) => (one.place < other.place ? 1 : -1));
  const matching = sorted.filter(({ place }) => matches(place, repository));
  const isDefault = repository.startsWith('docker.io/') || repository.startsWith(`${defaultPlace}/`);
  const found = matching.length > 0 || !isDefault ? matching : sorted.filter(({ place }) => place === defaultPlace);
  return found.map(({ credentials }) => credentials);
}

/** The host of a key, with its path: `https://index.docker.io/v1/` is `index.docker.io`. Undefined if it is no address. */
function placeOf(key: string): string | undefined {
  const [, host, path = ''] = /^(?:https?:\/\/)?([^/\s]+)(\/\S*)?$/.exec(key) ?? [];
  if (host === undefined) return undefined;
  const own = /^\/v[12]\//.test(path) ? path.slice('/v1'.length) : path === '/v1' || path === '/v2' ? '' : path;
  return own === '' || own === '/' ? host : `${host}${own}`;
}

function matches(place: string, repository: string): boolean {
  const [wanted, found] = [split(place), split(repository)];
  if (wanted.port !== found.port || wanted.parts.length !== found.parts.length) return false;
  return (
    found.path.startsWith(wanted.path) && wanted.parts.every((part, index) => fits(part, found.parts[index] ?? ''))
  );
}

function split(text: string) {
  const slash = text.indexOf('/');
  const host = slash === -1 ? text : text.slice(0, slash);
  const [, name = host, port = ''] = /^(.*?)(?::(\d+))?$/.exec(host) ?? [];
  return { parts: name.split('.'), port, path: slash === -1 ? '' : text.slice(slash) };
}

/** Wildcards match within a part of a host, as in `filepath.Match` of Go without its classes of characters. */
function fits(pattern: string, part: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`).test(part);
}

function decodeAuth(auth: string): Credentials | undefined {
  const text = Buffer.from(auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
