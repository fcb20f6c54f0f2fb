import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { measureImageDisk } from '../../cleaner/filesystem.ts';
import { usedPercent } from '../../contract/disk-usage.ts';
import type { JobDocument } from '../../contract/job.ts';
import { cacheDirectory } from '../cluster/cache.ts';
import { type DockerEngine, startDocker } from '../cluster/docker.ts';
import { cleanDocker } from '../helpers/docker-clean.ts';
import { openDockerProxy } from '../helpers/docker-proxy.ts';
import {
  buildImageSpec,
  buildImageSpecs,
  buildRunnableImageSpec,
  fillerLayers,
  type ImageSpec,
} from '../helpers/images.ts';

const megabyte = 1_000_000;

let engine: DockerEngine;
let directory: string;

const place = () => ({ directory, state: join(engine.imageDirectory, 'nodesweep', directory) });
const clean = (job: Partial<JobDocument> = {}, socket = engine.socket) => cleanDocker({ ...place(), socket, job });
/** As a cleaner sees it that reaches the files of the engine by way of another directory. */
const measureEngineDisk = () =>
  measureImageDisk(
    { getImageFilesystems: async () => ['/var/lib/docker'] },
    { directory: engine.imageDirectory, pathOnNode: '/var/lib/docker/nodesweep' },
  );

const runnable = (name: string, command?: readonly string[]) =>
  buildRunnableImageSpec(`docker.io/acme/${name}:1`, engine.program, command);

function createContainer(image: string) {
  return engine.client.createContainer({ Image: image, HostConfig: { NetworkMode: 'none' } });
}

/** Builds an image on the one of a container, as `docker commit` does. */
async function buildOn(image: string, name: string): Promise<void> {
  const container = await createContainer(image);
  await container.commit({ repo: name, tag: '1' });
  await container.remove();
}

const names = async () => (await engine.client.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []).toSorted();

describe.skipIf(process.env.KUBECONFIG !== undefined)('Docker Engine', () => {
  beforeAll(async () => {
    engine = await startDocker({ directory: join(cacheDirectory(), 'docker'), imageFilesystemSize: '600M' });
  });

  afterAll(() => engine?.stop());

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'e2e-docker-'));
  });

  afterEach(async () => {
    await rm(directory, { recursive: true });
    for (const { Id } of await engine.client.listContainers({ all: true })) {
      await engine.client.getContainer(Id).remove({ force: true });
    }
    for (const { Id } of await engine.client.listImages({ all: true })) {
      await engine.client
        .getImage(Id)
        .remove({ force: true })
        .catch(() => {});
    }
  });

  it('the cleaner keeps the images of containers in every state, and removes the others by ID (C33, C35, T2, T10, T12, T16)', async () => {
    const moved = (seed: string) => buildImageSpec({ names: ['docker.io/acme/moved:1'], layers: fillerLayers(seed) });
    const twoTags = ['docker.io/acme/tools:1', 'docker.io/acme/tools:2'];
    await engine.load([
      await runnable('running'),
      await runnable('exited', ['true']),
      await runnable('created'),
      await runnable('paused'),
      ...buildImageSpecs('docker.io/acme/unused', 5),
      buildImageSpec({ names: twoTags, layers: fillerLayers('tools') }),
      moved('older'),
    ]);
    await engine.load([moved('newer')]);
    const [running, exited, paused] = await Promise.all(
      ['running', 'exited', 'paused'].map((name) => createContainer(`acme/${name}:1`)),
    );
    await createContainer('acme/created:1');
    for (const container of [running, exited, paused]) await container?.start();
    await paused?.pause();
    await exited?.wait();

    const { exitCode, report, decisions } = await clean();

    expect(decisions).toEqual([
      'docker.io/acme/created:1 keep InUse',
      'docker.io/acme/exited:1 keep InUse',
      'docker.io/acme/moved:1 remove removed',
      'docker.io/acme/paused:1 keep InUse',
      'docker.io/acme/running:1 keep InUse',
      'docker.io/acme/tools:1 remove removed',
      ...[0, 1, 2, 3, 4].map((number) => `docker.io/acme/unused-${number}:1 remove removed`),
      'nameless remove removed',
    ]);
    expect(exitCode).toBe(0);
    expect(report.images).toMatchObject({ total: 12, inUse: 4, removed: 8, skipped: 0, failed: 0 });
    expect(await names()).toEqual(['acme/created:1', 'acme/exited:1', 'acme/paused:1', 'acme/running:1']);
    expect(await running?.inspect()).toMatchObject({ State: { Running: true } });
  });

  it('a job that names images removes just these tag by tag, and keeps each image with another tag (P12, T12)', async () => {
    const tagged = (name: string, tags: readonly number[]) =>
      buildImageSpec({ names: tags.map((tag) => `docker.io/acme/${name}:${tag}`), layers: fillerLayers(name) });
    await engine.load([
      await runnable('used'),
      tagged('gone', [1, 2, 3]),
      tagged('shared', [1, 2]),
      tagged('other', [1]),
    ]);
    await createContainer('acme/used:1');
    const removals = ['acme/gone:1', 'acme/gone:2', 'acme/gone:3', 'acme/shared:1', 'acme/used:1', 'acme/absent:1'];
    const job = { images: { keepSideLoaded: true, minAge: '7d' } };

    const { exitCode, report } = await cleanDocker({ ...place(), socket: engine.socket, job, removals });

    expect(exitCode).toBe(0);
    expect(report.references).toEqual({
      count: 6,
      indexes: { Removed: '0-2', 'Kept:NotIncluded': '3', InUse: '4', Absent: '5' },
    });
    expect(await names()).toEqual(['acme/other:1', 'acme/shared:1', 'acme/shared:2', 'acme/used:1']);
  });

  it('an image on which others are built is removed after them, with the untagged ones between them (T16)', async () => {
    await engine.load([await runnable('base')]);
    await buildOn('acme/base:1', 'acme/step');
    await buildOn('acme/step:1', 'acme/built');
    await createContainer('acme/built:1');
    await engine.client.getImage('acme/step:1').remove({ noprune: true, force: true });
    const all = await engine.client.listImages({ all: true });

    const kept = await clean({ images: { include: ['**/base:*'] } });
    expect(kept).toMatchObject({
      exitCode: 0,
      decisions: expect.arrayContaining(['docker.io/acme/base:1 remove skipped HasChildren']),
    });
    expect(await engine.client.listImages({ all: true })).toHaveLength(all.length);

    for (const { Id } of await engine.client.listContainers({ all: true }))
      await engine.client.getContainer(Id).remove();
    await clean({ images: { minAge: '0s' } });
    await clean({ images: { minAge: '0s' } });
    expect(await engine.client.listImages({ all: true })).toEqual([]);
  });

  describe('at the moment of a removal', () => {
    const socket = () => join(directory, 'docker.sock');

    it('a container that begins to use the image keeps it: a skip, and no second attempt (C34, T16, T17)', async () => {
      await engine.load([await runnable('late'), ...buildImageSpecs('docker.io/acme/unused', 2)]);
      const lateId = (await engine.client.getImage('acme/late:1').inspect()).Id;
      const removals: string[] = [];
      const proxy = await openDockerProxy(socket(), engine.socket, async (request) => {
        if (!request.startsWith('DELETE')) return;
        removals.push(request);
        if (request.includes(lateId)) await (await createContainer('acme/late:1')).start();
      });
      const { exitCode, decisions, images } = await clean({}, socket());
      await proxy.close();

      expect(decisions).toEqual([
        'docker.io/acme/late:1 remove skipped InUse',
        'docker.io/acme/unused-0:1 remove removed',
        'docker.io/acme/unused-1:1 remove removed',
      ]);
      expect(exitCode).toBe(0);
      expect(removals).toHaveLength(3);
      expect(images.find(({ reason }) => reason === 'InUse')?.message).toContain('used by running container');
      expect(await names()).toEqual(['acme/late:1']);
    });

    it('the end of dockerd is reported, and the next run removes the other images (C36, T13)', async () => {
      await engine.load(buildImageSpecs('docker.io/acme/unused', 6));
      let removals = 0;
      const proxy = await openDockerProxy(socket(), engine.socket, async (request) => {
        if (request.startsWith('DELETE') && ++removals === 4) await engine.kill();
      });
      const { exitCode, report } = await clean({}, socket());
      await proxy.close();
      expect(exitCode).toBe(1);
      expect(report).toMatchObject({ outcome: 'PartiallyFailed', images: { total: 6, unknown: 6 } });

      await engine.restart();
      expect(await names()).toHaveLength(3);
      expect(await clean({ images: { minAge: '0s' } })).toMatchObject({
        exitCode: 0,
        report: { images: { removed: 3 } },
      });
      expect(await names()).toEqual([]);
    });
  });

  it('disk thresholds remove only the necessary images, and none with layers that would stay (N6, N7, N10, T21)', async () => {
    const layers = (name: string, megabytes: number) =>
      fillerLayers(name, { layers: 1, filesPerLayer: megabytes, bytesPerFile: megabyte });
    const image = (name: string, ...parts: readonly ImageSpec['layers'][]) =>
      buildImageSpec({ names: [`docker.io/acme/${name}:1`], layers: parts.flat() });
    const base = layers('base', 60);
    await engine.load([
      image('used', base),
      // Another configuration of the same layers: the largest, and nothing would be free without it.
      { ...image('same', base), command: ['/other'] },
      image('shared', base, layers('shared', 20)),
      ...[1, 2, 3].map((number) => image(`own-${number}`, layers(`own-${number}`, 30))),
    ]);
    await createContainer('acme/used:1');
    const before = await measureEngineDisk();
    const highPercent = Math.floor(usedPercent(before));
    const lowPercent = Math.floor(
      usedPercent({
        ...before,
        usedBytes: before.usedBytes - 40 * megabyte,
        availableBytes: before.availableBytes + 40 * megabyte,
      }),
    );

    const { report, exitCode, decisions } = await clean({ disk: { highPercent, lowPercent } });

    expect(exitCode).toBe(0);
    expect(usedPercent(await measureEngineDisk())).toBeLessThanOrEqual(lowPercent);
    expect(decisions).toEqual(
      expect.arrayContaining(['docker.io/acme/used:1 keep InUse', 'docker.io/acme/same:1 keep BelowThreshold']),
    );
    expect(decisions.filter((decision) => decision.endsWith('remove removed'))).toHaveLength(2);
    expect(decisions).toContain('docker.io/acme/shared:1 remove removed');
    expect(report.bytes.freed).toBeGreaterThan(45 * megabyte);
    expect(report.bytes.freed).toBeLessThan(60 * megabyte);
    expect(report.bytes.nominal).toBe(110 * megabyte);
  });
});
