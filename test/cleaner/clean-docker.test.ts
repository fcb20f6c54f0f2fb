import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobDocument } from '../../contract/job.ts';
import { cleanDocker } from '../helpers/docker-clean.ts';
import { type DockerServer, type Failure, startDockerServer } from '../helpers/docker-server.ts';

let directory: string;
let server: DockerServer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clean-docker-'));
  server = await startDockerServer(join(directory, 'docker.sock'));
});

afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

const clean = (job: Partial<JobDocument> = {}, socket = server.socket) => cleanDocker({ directory, socket, job });
const removals = () => server.requests.filter((request) => request.startsWith('DELETE'));

it('cleans Docker Engine: it keeps used images, skips refusals, and removes the others by ID (C33, C36, T10, T12, T16)', async () => {
  const { exitCode, report, decisions } = await clean();
  expect(decisions).toEqual([
    'docker.io/acme/derived:1 remove removed',
    'docker.io/acme/job:1 keep InUse',
    'docker.io/acme/moved:1 remove removed',
    'docker.io/acme/old:1 remove removed',
    'docker.io/acme/other:1 remove skipped HasChildren',
    'docker.io/acme/setup:1 keep InUse',
    'docker.io/acme/tools:1 remove removed',
    'docker.io/acme/web:1 keep InUse',
    'nameless remove removed',
    'registry.k8s.io/pause:3.10 keep InUse',
  ]);
  expect(exitCode).toBe(0);
  expect(report.images).toMatchObject({ total: 10, inUse: 4, removed: 5, skipped: 1, failed: 0 });
  const byName = removals().filter((request) => !/^DELETE \/images\/sha256:[0-9a-f]{64}\?/.test(request));
  expect(byName).toEqual([expect.stringMatching(/^DELETE \/images\/[^?]*tools[^?]*\?/)]);
  expect(removals().filter((request) => /[?&]force=(1|true)/.test(request))).toEqual([]);
  expect(removals()).toHaveLength(8);
});

it('removes nothing in a dry run', async () => {
  const { exitCode, report } = await clean({ dryRun: true });
  expect(exitCode).toBe(0);
  expect(report.outcome).toBe('DryRun');
  expect(removals()).toEqual([]);
});

describe('with the references of the images to remove', () => {
  const cleanNamed = (removals: readonly string[], job: Partial<JobDocument> = {}) =>
    cleanDocker({ directory, socket: server.socket, job: { images: { keepSideLoaded: true }, ...job }, removals });

  it('removes an image with several tags tag by tag if each is named, and what is used stays (P12, T12)', async () => {
    const { exitCode, report } = await cleanNamed(['acme/tools:1', 'acme/tools:2', 'acme/web:1', 'acme/absent:1']);
    expect(exitCode).toBe(0);
    expect(report.references).toEqual({ count: 4, indexes: { Removed: '0-1', InUse: '2', Absent: '3' } });
    expect(removals().map((request) => decodeURIComponent(request.replace(/\?.*/, '')))).toEqual([
      expect.stringMatching(/^DELETE \/images\/sha256:05d02ad2/),
      'DELETE /images/acme/tools:1',
      expect.stringMatching(/^DELETE \/images\/sha256:05d02ad2/),
    ]);
  });

  it('keeps an image whose other tag is not named, with all of its tags (P12, T12)', async () => {
    const { report } = await cleanNamed(['acme/tools:1']);
    expect(report.references).toEqual({ count: 1, indexes: { 'Kept:NotIncluded': '0' } });
    expect(removals()).toEqual([]);
  });

  it('keeps an image with a tag that the job excludes besides (P12)', async () => {
    const { report } = await cleanNamed(['acme/tools:1', 'acme/tools:2'], {
      images: { keepSideLoaded: true, exclude: ['acme/tools:2'] },
    });
    expect(report.references).toEqual({ count: 2, indexes: { 'Kept:Excluded': '0-1' } });
    expect(removals()).toEqual([]);
  });
});

it('shows a removal that failed in its exit code and its report (C36)', async () => {
  server.fail('DELETE', 'fails');
  const { exitCode, report } = await clean({ images: { include: ['**/acme/old:*'] } });
  expect(exitCode).toBe(1);
  expect(report.errors).toMatchObject([{ image: 'docker.io/acme/old:1', reason: 'RemovalFailed' }]);
  expect(report.errors[0]?.message).toContain('something broke');
});

describe('if the removal of the first of 60 images hangs', () => {
  const idOf = (index: number) => `sha256:${index.toString(16).padStart(64, '0')}`;
  const fill = () => {
    const [image] = server.answers.images;
    if (image === undefined) throw new Error('there is no image to copy');
    const junk = Array.from({ length: 60 }, (_, index) => ({ ...image, Id: idOf(index), RepoTags: [`junk:${index}`] }));
    server.answers.images = [...server.answers.images, ...junk];
    server.fail(`DELETE /images/${idOf(0)}?`, 'hangs');
  };
  const job: Partial<JobDocument> = { images: { include: ['**/library/junk'] } };
  const wait = async (done: () => boolean) => {
    while (!done()) await sleep(20);
  };

  it('a cleaner that is stopped begins no further removal, and ends with a report well before 30 s (H29)', async () => {
    fill();
    let stoppedAt = 0;
    const stopWhen = async () => {
      await wait(() => removals().length > 0);
      stoppedAt = performance.now();
    };
    const { exitCode, report } = await cleanDocker({ directory, socket: server.socket, job, stopWhen });

    expect(performance.now() - stoppedAt).toBeLessThan(25_000);
    expect(removals()).toHaveLength(1);
    expect(exitCode).toBe(1);
    expect(report.images).toMatchObject({ removed: 0, failed: 1, skipped: 59 });
    expect(report.errors).toMatchObject([
      { reason: 'Interrupted', message: '59 images were not tried: asked to stop' },
      { reason: 'RemovalTimedOut' },
    ]);
  }, 60_000);

  it('the other images of its batch are removed, and none of them fails (H29)', async () => {
    fill();
    const stopWhen = () => wait(() => removals().length >= 50);
    const { report } = await cleanDocker({ directory, socket: server.socket, job, stopWhen });

    expect(report.images).toMatchObject({ removed: 49, failed: 1, skipped: 10 });
  }, 60_000);
});

describe('removes nothing, and its exit code is 2,', () => {
  it.each<[request: string, how: Failure]>([
    ['GET /images/json', 'half'],
    ['GET /containers/json', 'fails'],
    ['GET /containers/json', 'rubbish'],
    ['GET /containers/', 'closes the connection'],
  ])('if %s has no reliable answer: %s (T1)', async (request, how) => {
    server.fail(request, how);
    expect(await clean()).toMatchObject({ exitCode: 2, report: { errors: [{ reason: 'DockerError' }] } });
    expect(removals()).toEqual([]);
  });

  it('if the list of containers is empty although there are some (T1)', async () => {
    server.answers.containers = [];
    expect(await clean()).toMatchObject({ exitCode: 2, report: { errors: [{ reason: 'ContainersCutShort' }] } });
    expect(removals()).toEqual([]);
  });

  it('if a container names no image (T3)', async () => {
    server.answers.containers = server.answers.containers.map((container) => ({ ...container, ImageID: '' }));
    expect(await clean()).toMatchObject({ exitCode: 2, report: { errors: [{ reason: 'DockerError' }] } });
    expect(removals()).toEqual([]);
  });

  it('if the socket is missing', async () => {
    const { exitCode, report } = await clean({}, join(directory, 'missing', 'docker.sock'));
    expect(exitCode).toBe(2);
    expect(report.errors).toMatchObject([
      { reason: 'DockerError', message: expect.stringContaining('does not exist') },
    ]);
  });
});
