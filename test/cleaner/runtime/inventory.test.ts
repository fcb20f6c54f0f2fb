import { describe, expect, it } from 'vitest';
import { createUsageReader, type ImageUsage } from '../../../cleaner/runtime/inventory.ts';
import type { Container } from '../../../cleaner/runtime/runtime.ts';
import { buildContainer, buildImage, buildRuntime, type FakeRuntime } from '../../helpers/inventory.ts';

const hex = 'ab'.repeat(32);
const digest = `sha256:${'cd'.repeat(32)}`;
const web = buildImage(['docker.io/library/web:1', `docker.io/library/web@${digest}`], { id: `sha256:${hex}` });
const crio = buildImage('docker.io/library/crio:1', { id: 'ef'.repeat(32) });
const other = buildImage('docker.io/library/other:1');

function readUsage(runtime: FakeRuntime, podUid?: string): Promise<ImageUsage> {
  return createUsageReader(runtime, podUid)();
}

function buildNode(container: Partial<Container>): FakeRuntime {
  return buildRuntime({
    images: [web, crio, other],
    containers: [{ id: 'c', name: 'default/web/main', references: [], ...container }],
  });
}

describe('an image is used', () => {
  it.each<[how: string, container: Partial<Container>, image: typeof web]>([
    ['by its ID', { imageId: web.id }, web],
    ['by its ID without sha256:', { imageId: hex }, web],
    ['by the ID of a runtime that writes none', { imageId: `sha256:${crio.id}` }, crio],
    ['by an ID among the references (T6)', { references: [web.id] }, web],
    ['by tag', { references: ['docker.io/library/web:1'] }, web],
    ['by a short name', { references: ['web:1'] }, web],
    ['by digest', { references: [`docker.io/library/web@${digest}`] }, web],
    ['by a digest under another name', { references: [`mirror.example.com/web@${digest}`] }, web],
    ['by a bare digest (T6)', { references: [digest] }, web],
    ['by tag and digest', { references: [`web:9@${digest}`] }, web],
    ['as Docker Engine writes it', { references: [`docker-pullable://web@${digest}`] }, web],
    ['by an ID as Docker Engine writes it', { references: [`docker://${web.id}`] }, web],
  ])('%s (C33, T4)', async (_, container, image) => {
    const { inUse } = await readUsage(buildNode(container));
    expect([...inUse.keys()]).toEqual([image.id]);
  });

  it('by the container that runs it, and by the tag that moved to another (T5)', async () => {
    const { inUse } = await readUsage(buildNode({ imageId: web.id, references: ['docker.io/library/other:1'] }));
    expect([...inUse.keys()]).toEqual([web.id, other.id]);
  });

  it.each([[[other.id, 'docker.io/library/other:1']], [['docker.io/library/other:1']]])(
    'when it is mounted as a volume, as %j (T9)',
    async (mountedImages) => {
      const runtime = buildNode({ imageId: web.id });
      runtime.details = [{ id: 'c', mountedImages }];
      expect([...(await readUsage(runtime)).inUse.keys()]).toEqual([web.id, other.id]);
    },
  );

  it('until it finished, if only exited containers are left and the runtime knows all of them (N4)', async () => {
    const containers = ['a', 'b', 'c', 'd'].map((id) => buildContainer(id < 'c' ? web : other, { id }));
    const details = [
      { id: 'a', mountedImages: [], finishedAt: 1 },
      { id: 'b', mountedImages: [], finishedAt: 2 },
      { id: 'c', mountedImages: [], finishedAt: 3 },
    ];
    const { finishedAt } = await readUsage(buildRuntime({ images: [web, other], containers, details }));
    expect([...finishedAt]).toEqual([[web.id, 2]]);
  });
});

describe('usage is unknown', () => {
  it.each<[what: string, node: Partial<FakeRuntime>, message: string]>([
    [
      'a container refers to no image on this node (T3)',
      { containers: [{ id: 'c', name: 'default/web/main', references: ['ghost:1', `sha256:${'00'.repeat(32)}`] }] },
      'container default/web/main (c) uses sha256:0000',
    ],
    [
      'the tag of a container moved, and its image cannot be found by digest (T3, T5)',
      {
        containers: [
          { id: 'c', name: 'default/web/main', references: ['docker.io/library/other:1', `other@${digest}`] },
        ],
        images: [other],
      },
      `uses other@${digest}, which is not an image on this node`,
    ],
    [
      'a container names no image at all (T3)',
      { containers: [{ id: 'c', name: 'default/web/main', references: [] }] },
      'container default/web/main (c) names no image: remove the container if nobody needs it ("crictl rm c", or "docker rm" on Docker Engine)',
    ],
    [
      'a mounted image is not an image on this node (T3, T9)',
      { containers: [buildContainer(web, { id: 'c' })], details: [{ id: 'c', mountedImages: ['ghost:1'] }] },
      'uses ghost:1, which is not an image on this node',
    ],
    [
      'no container refers to a listed image, so that the lists may not match (T3)',
      { containers: [buildContainer(web, { imageId: `sha256:${'00'.repeat(32)}` })] },
      `uses sha256:${'00'.repeat(32)}, which is not an image on this node`,
    ],
    [
      'a container has only an ID of an unknown kind and a tag that may have moved (T3, T5)',
      { containers: [buildContainer(web, { imageId: 'novel:1', references: ['docker.io/library/other:1'] })] },
      'uses novel:1, which is not an image on this node',
    ],
    [
      'there are no containers, but ready sandboxes (T1)',
      { countReadySandboxes: async () => 3 },
      'empty although 3 pod sandboxes are ready',
    ],
    [
      'there are containers, but no images (T1)',
      { images: [], containers: [buildContainer(web)] },
      'the list of images is empty',
    ],
    [
      'the ID of a container refers to no image, and no other ID does: it may be of another kind (H28, T6)',
      {
        containers: [
          buildContainer(web, { id: 'c', imageId: `sha256:${'00'.repeat(32)}` }),
          { id: 'd', name: 'default/other/main', references: ['docker.io/library/other:1'] },
        ],
      },
      `uses sha256:${'00'.repeat(32)}, which is not an image on this node`,
    ],
    ['the list of containers fails (T1)', { listContainers: () => Promise.reject(new Error('down')) }, 'down'],
    [
      'containers cannot be inspected (T9)',
      {
        containers: [buildContainer(web)],
        inspectContainers: () => Promise.reject(new Error('no inspection')),
      },
      'no inspection',
    ],
  ])('when %s', async (_, node, message) => {
    await expect(readUsage(buildRuntime({ images: [web, other], ...node }))).rejects.toThrow(message);
  });

  it('when there is nothing just after the start of the node, while its pods may still come (H28)', async () => {
    const runtime = buildRuntime({ images: [web] });
    const readUp = (minutes: number) => createUsageReader(runtime, undefined, () => minutes * 60_000)();
    await expect(readUp(1)).rejects.toThrow('the node started only 1m ago, so its pods may not have started yet');
    await expect(readUp(3)).resolves.toMatchObject({ images: [web] });
    runtime.containers = [buildContainer(web)];
    await expect(readUp(1)).resolves.toMatchObject({ images: [web] });
  });

  it('when the list lacks the container of the pod that asks (T1)', async () => {
    const runtime = buildRuntime({ images: [web], containers: [buildContainer(web, { podUid: 'another' })] });
    await expect(readUsage(runtime, 'own')).rejects.toThrow('lacks the container of this pod (uid own)');
    runtime.containers = [buildContainer(web, { podUid: 'own' })];
    await expect(readUsage(runtime, 'own')).resolves.toMatchObject({ images: [web] });
  });
});

describe('an object that comes and goes while it is read', () => {
  it('is no reason to fail: a container without its image still has an image ID (T6)', async () => {
    const runtime = buildNode({ imageId: `sha256:${'00'.repeat(32)}`, references: ['ghost:1'] });
    runtime.containers = [...runtime.containers, buildContainer(web)];
    const { inUse, remarks } = await readUsage(runtime);
    expect([...inUse.keys()]).toEqual([web.id]);
    expect(remarks).toEqual([
      {
        reason: 'ImageMissing',
        message: `the image of default/web/main (sha256:${'00'.repeat(32)}) is not in the list: somebody removed it while the container existed; pull the image again if the container must start again`,
      },
    ]);
  });

  it('is no reason to fail either if the runtime has IDs among the references, as another container shows (T6)', async () => {
    const gone = { id: 'c', name: 'default/web/main', references: [`sha256:${'00'.repeat(32)}`, 'ghost:1'] };
    const running = (reference: string) => ({ id: 'd', name: 'default/web/other', references: [reference] });
    const runtime = buildRuntime({ images: [web, other], containers: [gone, running(web.id)] });
    expect([...(await readUsage(runtime)).inUse.keys()]).toEqual([web.id]);
    runtime.containers = [gone, running(digest)];
    await expect(readUsage(runtime)).rejects.toThrow('which is not an image on this node');
  });

  it('is read again, such as a container that ended before it was inspected', async () => {
    const runtime = buildNode({ imageId: web.id });
    const inspect = runtime.inspectContainers;
    runtime.inspectContainers = async (ids) => {
      runtime.inspectContainers = inspect;
      runtime.containers = [];
      throw new Error(`no such container ${ids}`);
    };
    expect((await readUsage(runtime)).inUse.size).toBe(0);
  });

  it('is left out, such as containers that live for a short time and are gone when they are inspected (H12)', async () => {
    let next = 0;
    const runtime = buildNode({ imageId: web.id });
    const lasting = runtime.containers;
    runtime.listContainers = async () => [...lasting, buildContainer(other, { id: `short-${next++}` })];
    runtime.inspectContainers = async (ids) =>
      ids.filter((id) => !id.startsWith('short')).map((id) => ({ id, mountedImages: [] }));
    expect([...(await readUsage(runtime)).inUse.keys()]).toEqual([web.id, other.id]);
  });

  it('makes usage unknown if it is a container that is listed and cannot be inspected (H28)', async () => {
    const runtime = buildNode({ imageId: web.id });
    runtime.inspectContainers = async () => [];
    await expect(readUsage(runtime)).rejects.toThrow(
      "container default/web/main (c) is in the list, but can't be inspected",
    );
  });

  it('is read again, such as an image that was pulled after the images were listed (T18)', async () => {
    const fresh = buildImage('docker.io/library/fresh:1');
    const runtime = buildNode({ references: ['fresh:1'] });
    const listed = runtime.images;
    runtime.listImages = async () => {
      runtime.listImages = async () => [...listed, fresh];
      return listed;
    };
    expect([...(await readUsage(runtime)).inUse.keys()]).toEqual([fresh.id]);
  });
});

describe('an object that is listed twice', () => {
  it('is one image, with all its names and pinned if either is', async () => {
    const twice = { ...web, id: hex, names: ['quay.io/acme/model:2'], sizeBytes: 7, pinned: true };
    const { images } = await readUsage(buildRuntime({ images: [web, twice, other] }));
    expect(images).toEqual([{ ...web, names: [...web.names, 'quay.io/acme/model:2'], pinned: true }, other]);
  });

  it('is a container that uses all references of both entries', async () => {
    const containers = [buildContainer(web, { id: 'c' }), buildContainer(other, { id: 'c' })];
    const { inUse } = await readUsage(buildRuntime({ images: [web, crio, other], containers }));
    expect([...inUse.keys()]).toEqual([web.id, other.id]);
  });
});

describe('an image that cannot be read (H30)', () => {
  const odd = { id: 'sha512:odd', names: ['quay.io/acme/odd:1'], sizeBytes: 0, pinned: false } as const;
  const flaw = { kind: 'Unreadable', detail: 'id: is not the ID of an image' } as const;

  it('is left out and reported, and still resolves the container that refers to it', async () => {
    const byId = buildContainer(web, { id: 'c', imageId: odd.id });
    const byName = { id: 'd', name: 'default/odd/main', references: ['acme/odd:1', 'quay.io/acme/odd:1'] };
    const containers = [byId, byName, buildContainer(web)];
    const usage = await readUsage(buildRuntime({ images: [web, { ...odd, flaw }, other], containers }));
    expect(usage.images).toEqual([web, other]);
    expect([...usage.inUse.keys()]).toEqual([odd.id, web.id]);
    expect(usage.remarks).toMatchObject([
      { reason: 'ImageUnreadable', message: expect.stringContaining('quay.io/acme/odd:1 (id: is not the ID of an') },
    ]);
  });

  it('is left out too if another entry with its ID can be read', async () => {
    const { images } = await readUsage(buildRuntime({ images: [web, other, { ...web, id: hex, flaw }] }));
    expect(images).toEqual([other]);
  });

  it('does not hide a container with an unknown image', async () => {
    const containers = [buildContainer(web), { id: 'd', name: 'default/odd/main', references: ['acme/ghost:1'] }];
    const images = [web, { ...odd, flaw }];
    await expect(readUsage(buildRuntime({ images, containers }))).rejects.toThrow('is not an image on this node');
  });
});

it('a second reading inspects only new containers', async () => {
  const asked: (readonly string[])[] = [];
  const runtime = buildRuntime({ images: [web], containers: [buildContainer(web, { id: 'a' })] });
  runtime.inspectContainers = async (ids) => {
    asked.push(ids);
    return ids.map((id) => ({ id, mountedImages: [] }));
  };
  const read = createUsageReader(runtime, undefined);
  await read();
  runtime.containers = [...runtime.containers, buildContainer(web, { id: 'b' })];
  await read();
  expect(asked).toEqual([['a'], ['b']]);
});
