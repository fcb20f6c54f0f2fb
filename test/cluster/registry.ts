import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { freePort } from '../helpers/free-port.ts';
import { type ImageSpec, type WrittenImage, writeImages } from '../helpers/images.ts';
import { startServer, stopServer } from './process.ts';
import { waitFor } from './wait.ts';

/** A real registry on a loopback address: runtimes use plain HTTP there. */
export interface Registry {
  /** Host and port. */
  readonly address: string;
  /** Pushes images. Their names are those within the registry, like `team/app:1`. */
  readonly push: (specs: readonly ImageSpec[]) => Promise<readonly WrittenImage[]>;
  /** Pushes an index under a name, that has one image of its repository, for one architecture. Returns its digest. */
  readonly pushIndex: (name: string, image: WrittenImage, architecture: string) => Promise<string>;
  /** Deletes the manifest of an image from a repository. Its layers stay. */
  readonly deleteManifest: (repository: string, digest: string) => Promise<void>;
  /** The number of requests that it has answered since its first start. */
  readonly countRequests: () => Promise<number>;
  readonly stop: () => Promise<void>;
  /** Starts it again, on the same port and with its images. */
  readonly start: () => Promise<void>;
}

/** A registry with a password. */
export interface PrivateRegistry extends Registry {
  /** The content of a Secret of the type kubernetes.io/dockerconfigjson that may pull from it. */
  readonly dockerConfig: string;
  /** The same for another user, who may pull as well. */
  readonly otherDockerConfig: string;
  /** The same as `dockerConfig`, but only for the repositories below a path. */
  readonly dockerConfigBelow: (path: string) => string;
}

const user = 'puller';
const otherUser = 'other-puller';
const password = 'only-for-tests';
const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const name = 'registry';

/** Starts a registry with a password, whose files, log and pid are below the directory of a cluster. */
export async function startPrivateRegistry(directory: string): Promise<PrivateRegistry> {
  const registry = await startRegistry(directory, await passwordConfig(join(directory, name)));
  const { address } = registry;
  return {
    ...registry,
    dockerConfig: dockerConfig(address, user),
    otherDockerConfig: dockerConfig(address, otherUser),
    dockerConfigBelow: (path) => dockerConfig(`${address}/${path}`, user),
  };
}

/** Starts a registry from which everybody may pull, and to which everybody may push. */
export function startOpenRegistry(directory: string): Promise<Registry> {
  return startRegistry(directory, {});
}

async function startRegistry(directory: string, access: object): Promise<Registry> {
  const address = `127.0.0.1:${await freePort()}`;
  const own = join(directory, name);
  const config = await writeConfig(own, address, access);
  const start = async () => {
    await startServer(directory, { name, command: ['docker-registry', 'serve', config], survives: false });
    await waitFor('the registry to answer', 30_000, async () => {
      const { status } = await fetch(`http://${address}/v2/`, { headers: { authorization } });
      return status === 200 || undefined;
    });
  };
  await start();
  return {
    address,
    push: (specs) => pushAll(address, specs, own),
    pushIndex: (name, image, architecture) => pushIndex(address, name, image, architecture),
    deleteManifest: async (repository, digest) => {
      await send('DELETE', `http://${address}/v2/${repository}/manifests/${digest}`);
    },
    countRequests: () => countRequests(directory),
    stop: () => stopServer(directory, name),
    start,
  };
}

function dockerConfig(place: string, username: string): string {
  return JSON.stringify({ auths: { [place]: { username, password } } });
}

async function passwordConfig(directory: string): Promise<object> {
  await mkdir(directory, { recursive: true });
  const passwords = join(directory, 'htpasswd');
  await execa('htpasswd', ['-B', '-b', '-c', passwords, user, password]);
  await execa('htpasswd', ['-B', '-b', passwords, otherUser, password]);
  return { auth: { htpasswd: { realm: 'tests', path: passwords } } };
}

async function countRequests(directory: string): Promise<number> {
  const log = await readFile(join(directory, 'logs', `${name}.log`), 'utf8');
  return log.split('\n').filter((line) => line.includes('msg="response completed')).length;
}

async function writeConfig(directory: string, address: string, access: object): Promise<string> {
  await mkdir(directory, { recursive: true });
  const config = join(directory, 'config.yml');
  await writeFile(
    config,
    stringify({
      version: 0.1,
      log: { level: 'info' },
      storage: { filesystem: { rootdirectory: join(directory, 'data') }, delete: { enabled: true } },
      http: { addr: address },
      ...access,
    }),
  );
  return config;
}

async function pushAll(address: string, specs: readonly ImageSpec[], work: string): Promise<readonly WrittenImage[]> {
  const layout = await mkdtemp(join(work, 'push-'));
  try {
    const tar = join(layout, 'images.tar');
    const images = await writeImages(tar, specs);
    await execa('tar', ['--extract', '--file', tar, '--directory', layout]);
    for (const { digest, names } of images) for (const name of names) await pushImage(address, layout, digest, name);
    return images;
  } finally {
    await rm(layout, { recursive: true, force: true });
  }
}

/** An image is its blobs, and then its manifest under a tag (OCI Distribution Specification, "Pushing"). */
async function pushImage(address: string, layout: string, digest: string, name: string): Promise<void> {
  const read = (blob: string) => readFile(join(layout, 'blobs', blob.replace(':', '/')));
  const content = await read(digest);
  const { config, layers } = JSON.parse(content.toString());
  const { base, tag } = placeOf(address, name);
  for (const blob of [config, ...layers]) await pushBlob(base, blob.digest, await read(blob.digest));
  await send('PUT', `${base}/manifests/${tag}`, content, manifestType);
}

async function pushIndex(
  address: string,
  name: string,
  { digest }: WrittenImage,
  architecture: string,
): Promise<string> {
  const { base, tag } = placeOf(address, name);
  const known = await send('GET', `${base}/manifests/${digest}`, undefined, undefined, manifestType);
  const size = (await known.arrayBuffer()).byteLength;
  const manifests = [{ mediaType: manifestType, digest, size, platform: { architecture, os: 'linux' } }];
  const index = { schemaVersion: 2, mediaType: indexType, manifests };
  const content = Buffer.from(JSON.stringify(index));
  await send('PUT', `${base}/manifests/${tag}`, content, indexType);
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';

/** The address of a repository, and the tag in it. */
function placeOf(address: string, name: string) {
  const colon = name.lastIndexOf(':');
  return { base: `http://${address}/v2/${name.slice(0, colon)}`, tag: name.slice(colon + 1) };
}

async function pushBlob(base: string, digest: string, content: Buffer): Promise<void> {
  const { headers } = await send('POST', `${base}/blobs/uploads/`);
  const place = new URL(headers.get('location') ?? '', base);
  place.searchParams.set('digest', digest);
  await send('PUT', place.href, content, 'application/octet-stream');
}

async function send(method: string, url: string, body?: Buffer, type?: string, accept = '*/*'): Promise<Response> {
  const headers = { authorization, accept, ...(type && { 'content-type': type }) };
  const response = await fetch(url, { method, headers, ...(body && { body: new Uint8Array(body) }) });
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status}: ${await response.text()}`);
  return response;
}
