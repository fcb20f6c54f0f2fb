import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDocker } from '../../../../cleaner/runtime/docker/docker.ts';
import { createUsageReader } from '../../../../cleaner/runtime/inventory.ts';
import type { Runtime } from '../../../../cleaner/runtime/runtime.ts';
import { imageIdOf, readDockerAnswers } from '../../../helpers/docker-answers.ts';
import { type DockerServer, type Failure, startDockerServer } from '../../../helpers/docker-server.ts';

let directory: string;
let server: DockerServer;
let runtime: Runtime;
const id = (tag: string) => imageIdOf(readDockerAnswers('docker-20.10'), tag);
const containers = readDockerAnswers('docker-20.10').containers.map(({ Id }) => Id);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'docker-'));
  server = await startDockerServer(join(directory, 'docker.sock'));
  runtime = createDocker({ socket: server.socket, readSeconds: 0.3, removeSeconds: 0.3 });
});

afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

const calls: readonly [request: string, call: () => Promise<unknown>][] = [
  ['GET /images/json', () => runtime.listImages()],
  ['GET /containers/json?all=1', () => runtime.listContainers()],
  [`GET /containers/${containers[0]}/json`, () => runtime.inspectContainers(containers)],
  ['GET /info', () => runtime.countReadySandboxes()],
  ['GET /info', () => runtime.getImageFilesystems()],
  [`GET /images/${id('acme/old:1')}/json`, () => runtime.inspectImages([id('acme/old:1')])],
  ['GET /system/df', () => runtime.inspectImages([id('acme/old:1')])],
];

/** A refusal to tell of one image says nothing of the others. */
const isAboutOneImage = (request: string) => request.startsWith('GET /images/sha256:');

describe('an answer', () => {
  it.each(calls)('to %s is trusted when it is complete', async (_, call) => {
    await expect(call()).resolves.not.toThrow();
  });

  it.each(
    calls.flatMap(([request, call]) =>
      (
        [
          ['rubbish', 'can\'t be relied on (it is not JSON and starts with "<html>gateway'],
          ['half', "can't be relied on (it is cut off after 15 characters)"],
          ['empty', "can't be relied on (it is empty)"],
          ['null', "can't be relied on"],
          ['keyless', "can't be relied on"],
          ['fails', 'ended with status 500: something broke; check the log of dockerd'],
          ['closes the connection', 'failed (ECONNRESET): check that dockerd is up'],
        ] as const satisfies readonly [Failure, string][]
      )
        .filter(([how]) => how !== 'fails' || !isAboutOneImage(request))
        .map(([how, message]) => ({ request, call, how, message })),
    ),
  )('to $request that is $how is refused (T1)', async ({ request, call, how, message }) => {
    server.fail(request.split('?')[0] ?? '', how);
    const error = await call().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toContain(`DockerError: "${request}" of Docker Engine`);
    expect(String(error)).toContain(message);
  });

  it('about containers leaves out those that no longer exist (H12)', async () => {
    const [known = ''] = server.answers.containersInspected.map(({ Id }) => Id);
    const details = await runtime.inspectContainers([known, 'f'.repeat(64)]);
    expect(details.map((container) => container.id)).toEqual([known]);
  });

  it.each(['hangs', 'breaks off'] as const)('that %s is refused after the deadline (T1)', async (how) => {
    server.fail('GET /containers/json', how);
    await expect(runtime.listContainers()).rejects.toThrow(
      '"GET /containers/json?all=1" of Docker Engine gave no whole answer within 1.2 s: check whether dockerd hangs',
    );
  });

  it('gets no more time than the setting allows, also at the first try (H12)', async () => {
    server.fail('GET /containers/json', 'hangs');
    const hurried = createDocker({ socket: server.socket, readSeconds: 30, maxReadSeconds: 0.2 });
    await expect(hurried.listContainers()).rejects.toThrow('gave no whole answer within 0.2 s');
  });

  it('about another container than the requested one is refused (T1)', async () => {
    server.fail('GET /containers/', 'is about another');
    await expect(runtime.inspectContainers(containers)).rejects.toThrow("can't be relied on (it is about another)");
  });

  it('about an image that does not exist, or cannot be read, leaves out only that image (T1)', async () => {
    server.fail(`GET /images/${id('acme/other:1')}/json`, 'fails');
    const asked = ['sha256:gone', id('acme/other:1'), id('acme/old:1')];
    expect(await runtime.inspectImages(asked)).toMatchObject([{ id: id('acme/old:1') }]);
  });

  it.each(['hangs', 'keyless', 'is about another'] as const)(
    'about one image that %s leaves out only that image (H30)',
    async (how) => {
      server.fail(`GET /images/${id('acme/other:1')}/json`, how);
      const asked = [id('acme/other:1'), id('acme/old:1')];
      expect(await runtime.inspectImages(asked)).toMatchObject([{ id: id('acme/old:1') }]);
    },
  );
});

describe('the socket', () => {
  const listAt = (socket: string) => createDocker({ socket }).listImages();

  it('that does not exist is named, with the next step', async () => {
    await expect(listAt('/nowhere/docker.sock')).rejects.toThrow(
      "Docker Engine's socket /nowhere/docker.sock does not exist: start Docker Engine, or set CONTAINER_RUNTIME_ENDPOINT",
    );
  });

  it('that no process serves is named, with the next step', async () => {
    const file = join(directory, 'left-over.sock');
    await writeFile(file, '');
    await expect(listAt(file)).rejects.toThrow(
      `nothing listens on Docker Engine's socket ${file}: start Docker Engine (systemctl start docker)`,
    );
  });

  it.skipIf(process.getuid?.() === 0)('that may not be used is named, with what to do', async () => {
    await chmod(server.socket, 0o000);
    await expect(listAt(server.socket)).rejects.toThrow(
      `Docker Engine's socket ${server.socket} may not be used (EACCES): run as root`,
    );
  });

  it('outranks DOCKER_HOST, which is for other programs', async () => {
    vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:1');
    vi.stubEnv('DOCKER_TLS_VERIFY', '1');
    await expect(createDocker({ socket: server.socket }).listImages()).resolves.toHaveLength(10);
    vi.unstubAllEnvs();
  });
});

describe('shared sizes', () => {
  it('come from the whole disk usage before API 1.42, which ignores a request for only them', async () => {
    const [old] = await runtime.inspectImages([id('acme/old:1')]);
    expect(old).toMatchObject({ sharedBytes: 1_000_000, builtAt: Date.UTC(2025, 5, 1, 12) });
    expect(server.requests).toContain('GET /system/df');
  });

  it('come with the list of images from then on', async () => {
    const answers = readDockerAnswers('docker-29');
    const newer = await startDockerServer(join(directory, 'newer.sock'), answers);
    const [old] = await createDocker({ socket: newer.socket }).inspectImages([imageIdOf(answers, 'acme/old:1')]);
    await newer.close();
    expect(old).toMatchObject({ sharedBytes: 2_045_952 });
    expect(newer.requests).not.toContain('GET /system/df');
  });

  it('are left out if the disk is too slow to report them', async () => {
    server.fail('GET /system/df', 'hangs');
    const [old] = await runtime.inspectImages([id('acme/old:1')]);
    expect(old).not.toHaveProperty('sharedBytes');
    expect(old?.layers).toHaveLength(2);
  });

  it('are requested only with images', async () => {
    expect(await runtime.inspectImages([])).toEqual([]);
    expect(server.requests).toEqual([]);
  });
});

describe('usage', () => {
  const inUse = async () => [...(await createUsageReader(runtime, undefined)()).inUse.keys()].toSorted();
  const ids = (...tags: readonly string[]) => tags.map(id).toSorted();

  it('is of containers in every state (C33, T2)', async () => {
    const used = ids('acme/web:1', 'acme/job:1', 'acme/setup:1', 'registry.k8s.io/pause:3.10');
    expect(await inUse()).toEqual(used);
    const odd = ['paused', 'restarting', 'removing', 'dead'];
    server.answers.containers = server.answers.containers.map((container, index) => ({
      ...container,
      State: odd[index],
    }));
    expect(await inUse()).toEqual(used);
  });

  it('is also of images that are mounted (T9)', async () => {
    const mounts = [{ Type: 'image', Name: 'acme/old:1', Source: '/var/lib/docker/rootfs/1', Destination: '/data' }];
    const [first, ...others] = server.answers.containersInspected;
    if (first === undefined) throw new Error('containers were recorded');
    server.answers.containersInspected = [{ ...first, Mounts: mounts }, ...others];
    expect(await inUse()).toContain(id('acme/old:1'));
  });

  it('is of the image that runs after its tag moved, and of the one that has the tag now (T5)', async () => {
    const [first, ...others] = server.answers.containers;
    if (first === undefined) throw new Error('containers were recorded');
    const nameless = server.answers.images.find(({ RepoTags }) => RepoTags?.includes('<none>:<none>'))?.Id;
    server.answers.containers = [{ ...first, Image: 'acme/moved:1', ImageID: nameless }, ...others];
    expect(await inUse()).toEqual(expect.arrayContaining([id('acme/moved:1'), nameless]));
  });

  it('is unknown if a container names no image (T3)', async () => {
    const [first, ...others] = server.answers.containers;
    if (first === undefined) throw new Error('containers were recorded');
    server.answers.containers = [{ ...first, ImageID: '' }, ...others];
    await expect(inUse()).rejects.toThrow("can't be relied on (0.ImageID: is not an image ID)");
  });

  it('is unknown if a mounted image does not exist (T3, T9)', async () => {
    const [first, ...others] = server.answers.containersInspected;
    if (first === undefined) throw new Error('containers were recorded');
    server.answers.containersInspected = [{ ...first, Mounts: [{ Type: 'image', Name: 'acme/gone:1' }] }, ...others];
    await expect(inUse()).rejects.toThrow('uses acme/gone:1, which is not an image on this node');
  });

  it('is unknown from an empty list while there are containers (T1)', async () => {
    server.answers.containers = [];
    await expect(inUse()).rejects.toThrow('the list of containers is empty');
  });
});

describe('removal', () => {
  it('is requested by ID, without force, one image after the other (C36, T12)', async () => {
    const nameless = server.answers.images.find(({ RepoTags }) => RepoTags?.includes('<none>:<none>'))?.Id ?? '';
    const ids = [id('acme/old:1'), nameless];
    expect(await runtime.removeImages(ids)).toEqual({ timedOut: false, complaints: [] });
    expect(server.requests).toEqual(ids.map((image) => `DELETE /images/${image}?force=false&noprune=false`));
    expect(server.answers.images.map(({ Id }) => Id)).not.toEqual(expect.arrayContaining(ids));
  });

  it('of an image that no longer exists is done (T15)', async () => {
    const gone = `sha256:${'f'.repeat(64)}`;
    expect(await runtime.removeImages([gone])).toEqual({ timedOut: false, complaints: [] });
  });

  it.each(readDockerAnswers('docker-20.10').removals.filter(({ status }) => status === 409))(
    'that is refused is reported with the words of the daemon, and does not delay others ($title; T16, N9)',
    async ({ name, body }) => {
      const answer = await runtime.removeImages([id(name), id('acme/old:1')]);
      expect(answer).toMatchObject({ timedOut: false, complaints: [{ imageId: id(name), ...Object(body) }] });
      expect(answer.complaints).toHaveLength(1);
      expect(server.requests).toHaveLength(2);
    },
  );

  describe('of an image with two tags (H9, T10)', () => {
    const [first, second] = ['docker.io/acme/tools:1', 'docker.io/acme/tools:2'] as const;
    const tools = id('acme/tools:1');
    const deletions = () => server.requests.filter((request) => request.startsWith('DELETE'));

    it('is done tag by tag if both may be removed, and by ID at the end, always without force', async () => {
      const answer = await runtime.removeImages([tools], new Map([[tools, [first, second]]]));
      expect(answer).toEqual({ timedOut: false, complaints: [] });
      expect(deletions()).toEqual([
        `DELETE /images/${tools}?force=false&noprune=false`,
        'DELETE /images/acme/tools:1?force=false&noprune=true',
        `DELETE /images/${tools}?force=false&noprune=false`,
      ]);
      expect(server.answers.images.map(({ Id }) => Id)).not.toContain(tools);
    });

    it.each<[what: string, allowed: readonly string[], change: () => void]>([
      ['one of them may not be removed', [first], () => undefined],
      [
        'a third one appeared meanwhile',
        [first, second],
        () => {
          server.answers.images = server.answers.images.map((image) =>
            image.Id === tools ? { ...image, RepoTags: ['acme/tools:1', 'acme/tools:2', 'acme/precious:1'] } : image,
          );
        },
      ],
      [
        'a container appeared meanwhile',
        [first, second],
        () => {
          server.answers.containers = [
            ...server.answers.containers,
            { Id: 'new', Names: [], Image: 'acme/tools:1', ImageID: tools },
          ];
        },
      ],
      ['the containers cannot be listed', [first, second], () => server.fail('GET /containers/json', 'half')],
      ['the image cannot be inspected', [first, second], () => server.fail(`GET /images/${tools}/json`, 'fails')],
      ['a name cannot be inspected', [first, second], () => server.fail('GET /images/acme/tools:1/json', 'fails')],
      [
        'a name has moved to another image',
        [first, second],
        () => server.fail('GET /images/acme/tools:1/json', 'is about another'),
      ],
    ])('keeps all its names if %s', async (_, allowed, change) => {
      change();
      const answer = await runtime.removeImages([tools], new Map([[tools, allowed]]));
      expect(answer).toMatchObject({ timedOut: false, complaints: [{ imageId: tools }] });
      expect(deletions()).toEqual([`DELETE /images/${tools}?force=false&noprune=false`]);
    });
  });

  describe('that hangs', () => {
    const names = ['acme/old:1', 'acme/moved:1', 'acme/derived:1'];
    const [hung = '', ...others] = names.map(id);
    const patient = () => createDocker({ socket: server.socket, removeSeconds: 0.3, patienceSeconds: 0.02 });

    it('is reported as a timeout, and the others are removed (T13, H29)', async () => {
      server.fail(`DELETE /images/${hung}`, 'hangs');
      const answer = await patient().removeImages([hung, ...others]);
      expect(answer).toMatchObject({ complaints: [{ imageId: hung }] });
      expect(answer.complaints).toHaveLength(1);
      expect(answer.complaints[0]?.message).toContain('gave no whole answer within 0.3 s');
      expect(server.requests).toHaveLength(3);
    });

    it('makes only a few requests, with all others, to a daemon that hangs (H29)', async () => {
      server.fail('DELETE', 'hangs');
      const ids = Array.from({ length: 9 }, (_, index) => `sha256:${String(index).repeat(64)}`);
      const answer = await patient().removeImages(ids);
      expect(answer.complaints.map(({ imageId }) => imageId)).toEqual(ids.slice(0, 4));
      expect(answer.notAsked).toEqual(ids.slice(4));
    });

    it('ends with the time that a stop leaves, and no other is requested after the stop (H29)', async () => {
      server.fail('DELETE', 'hangs');
      const [stop, giveUp] = [new AbortController(), new AbortController()];
      const ends = { stop: stop.signal, giveUp: giveUp.signal };
      const removal = createDocker({ socket: server.socket }).removeImages([hung, ...others], new Map(), ends);
      await vi.waitFor(() => expect(server.requests).toHaveLength(1));
      stop.abort();
      await sleep(50);
      giveUp.abort();
      const answer = await removal;
      expect(answer).toMatchObject({ complaints: [{ imageId: hung }], notAsked: others });
      expect(answer.complaints[0]?.message).toContain('gave no answer within the time that a stop leaves');
      expect(server.requests).toHaveLength(1);
    });
  });

  it('does not throw if the daemon is gone: an image may have been removed before', async () => {
    const answer = await createDocker({ socket: '/nowhere/docker.sock' }).removeImages([id('acme/old:1')]);
    expect(answer).toMatchObject({ timedOut: false, complaints: [{ imageId: id('acme/old:1') }] });
    expect(answer.complaints[0]?.message).toContain('does not exist');
  });
});
