import { mkdtemp, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { type ImageSpec, type WrittenImage, writeImages } from './images.ts';

/** A registry on loopback, from which a runtime pulls images without a password. */
export interface Registry {
  /** Host and port. */
  readonly address: string;
  readonly images: readonly WrittenImage[];
  /** Keeps whoever asks for the last layer of an image waiting: until its release, a pull of it is in progress. */
  readonly holdLastLayer: (name: string) => Promise<HeldLayer>;
  readonly stop: () => Promise<void>;
}

export interface HeldLayer {
  /** Resolves when somebody waits. */
  readonly asked: Promise<void>;
  readonly release: () => void;
}

/** Starts a registry. The names of the images are those within it, like `team/app:1`; `directory` is for its files. */
export async function startRegistry(specs: readonly ImageSpec[], directory: string): Promise<Registry> {
  const store = await createStore(specs, directory);
  const held = new Map<string, Gatekeeper>();
  const server = createServer(async (request, response) => {
    const blob = store.find(request.url ?? '');
    if (blob !== undefined) await held.get(blob.digest)?.pass();
    await answer(request, response, blob);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    images: store.images,
    holdLastLayer: async (name) => {
      const gatekeeper = createGatekeeper();
      held.set(await store.lastLayerOf(name), gatekeeper);
      return gatekeeper;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Blob {
  readonly digest: string;
  readonly file: string;
  readonly type: string;
}

/** The blobs of an OCI layout, by the paths under which a registry has them. */
async function createStore(specs: readonly ImageSpec[], directory: string) {
  const layout = await mkdtemp(join(directory, 'registry-'));
  const tar = join(layout, 'images.tar');
  const images = await writeImages(tar, specs);
  await execa('tar', ['--extract', '--file', tar, '--directory', layout]);
  const digests = new Map(images.flatMap(({ names, digest }) => names.map((name) => [name, digest] as const)));
  const fileOf = (digest: string) => join(layout, 'blobs', digest.replace(':', '/'));
  return {
    images,
    find: (url: string): Blob | undefined => {
      const [, repository, kind, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/([^?]+)/.exec(url) ?? [];
      const digest = reference.startsWith('sha256:') ? reference : digests.get(`${repository}:${reference}`);
      const type = kind === 'manifests' ? 'application/vnd.oci.image.manifest.v1+json' : 'application/octet-stream';
      return digest === undefined ? undefined : { digest, file: fileOf(digest), type };
    },
    lastLayerOf: async (name: string): Promise<string> => {
      const { layers } = JSON.parse(await readFile(fileOf(digests.get(name) ?? ''), 'utf8'));
      return layers.at(-1).digest;
    },
  };
}

async function answer({ url, method }: IncomingMessage, response: ServerResponse, blob: Blob | undefined) {
  if (blob === undefined) {
    response.writeHead(url === '/v2/' ? 200 : 404).end();
    return;
  }
  const content = await readFile(blob.file);
  const headers = { 'Content-Type': blob.type, 'Content-Length': content.length, 'Docker-Content-Digest': blob.digest };
  response.writeHead(200, headers).end(method === 'HEAD' ? undefined : content);
}

interface Gatekeeper extends HeldLayer {
  readonly pass: () => Promise<void>;
}

function createGatekeeper(): Gatekeeper {
  const asking = Promise.withResolvers<void>();
  const releasing = Promise.withResolvers<void>();
  const pass = () => {
    asking.resolve();
    return releasing.promise;
  };
  return { asked: asking.promise, release: releasing.resolve, pass };
}
