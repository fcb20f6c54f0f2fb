import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { maxReportBytes } from '../../contract/report.ts';
import { writeBrokenCrictl } from '../fixtures/broken-crictl/broken.ts';
import {
  buildContainer,
  buildImage,
  buildSandbox,
  buildSimulatedNode,
  readNode,
  type SimulatedNode,
  updateNode,
} from '../fixtures/simulated/node.ts';
import { type Bench, type CleanRun, createBench, imagesLeft, nameOf, runClean, startClean } from '../helpers/clean.ts';

const web = buildImage('docker.io/library/web:1');
const old = buildImage('docker.io/library/old:1');
const junk = Array.from({ length: 80 }, (_, index) => buildImage(`docker.io/library/junk:${index}`));

let bench: Bench;

afterEach(() => bench.remove());

async function prepare(node: Partial<SimulatedNode>, job: object = {}): Promise<void> {
  bench = await createBench(buildSimulatedNode(node), job);
}

function decisions({ images }: CleanRun): Record<string, string> {
  return Object.fromEntries(
    images.map(({ id, names, decision, reason, outcome }) => [
      names[0] ?? id,
      [decision, reason, outcome].filter(Boolean).join(' '),
    ]),
  );
}

/** Waits until so many images are left: the runtime of these tests answers only some time after. */
async function waitForImages(count: number): Promise<void> {
  while (readNode(bench.nodeFile).images.length > count) await sleep(20);
}

describe.each(['containerd-1.6', 'containerd-2.4', 'cri-o', 'crictl-1.24'] as const)('on a node with %s', (flavour) => {
  const digest = `sha256:${'cd'.repeat(32)}`;
  const toolDigest = `sha256:${'ef'.repeat(32)}`;
  const exited = buildImage('docker.io/library/exited:1');
  const created = buildImage('docker.io/library/created:1');
  const mounted = buildImage('docker.io/library/mounted:1');
  const excluded = buildImage('docker.io/acme/app:1', { repoTags: ['docker.io/acme/app:1', 'docker.io/acme/base:1'] });
  const byDigest = buildImage('digest', { repoTags: [], repoDigests: [`docker.io/library/tool@${toolDigest}`] });
  const starting = buildImage('starting', { repoTags: [], repoDigests: [`docker.io/library/next@${digest}`] });
  const nameless = buildImage('nameless', { repoTags: ['<none>:<none>'], repoDigests: ['<none>@<none>'] });
  const pause = buildImage('localhost/sandbox:1', { pinned: flavour === 'containerd-2.4' });
  const namelessId = flavour === 'cri-o' ? nameless.id.replace('sha256:', '') : nameless.id;
  const own = buildImage('docker.io/acme/nodesweep:1');
  const node: Partial<SimulatedNode> = {
    flavour,
    sandboxImage: 'localhost/sandbox:1',
    images: [web, exited, created, mounted, excluded, byDigest, starting, nameless, pause, own, old],
    containers: [
      buildContainer(web, {
        id: 'c1',
        imageMounts: [{ containerPath: '/data', image: 'docker.io/library/mounted:1', imageId: mounted.id }],
      }),
      buildContainer(exited, { id: 'c2', state: 'CONTAINER_EXITED', finishedAt: '2026-01-01T00:00:00Z' }),
      buildContainer(created, { id: 'c3', state: 'CONTAINER_CREATED' }),
      // An old crictl doesn't show what is mounted, and a runtime of its time mounts no images.
      ...(flavour === 'crictl-1.24' ? [buildContainer(mounted, { id: 'c4' })] : []),
    ],
  };
  const job = {
    images: { exclude: ['**/base:*'] },
    startingReferences: [`docker.io/library/next:1@${digest}`],
  };
  const env = { NODESWEEP_IMAGE: 'acme/nodesweep:1' };
  const kept = {
    'docker.io/library/web:1': 'keep InUse',
    'docker.io/library/exited:1': 'keep InUse',
    'docker.io/library/created:1': 'keep InUse',
    'docker.io/library/mounted:1': 'keep InUse',
    'docker.io/acme/app:1': 'keep Excluded',
    [`docker.io/library/next@${digest}`]: 'keep Starting',
    'localhost/sandbox:1': 'keep Pinned',
    'docker.io/acme/nodesweep:1': 'keep OwnImage',
  };

  it('exactly the right images go, each is logged once, and the report tells the same (T2, T7, T9, T10, T11, T12)', async () => {
    await prepare(node, job);
    const run = await runClean(bench, [], env);

    expect(run.exitCode).toBe(0);
    expect(decisions(run)).toEqual({
      ...kept,
      [namelessId]: 'remove removed',
      [`docker.io/library/tool@${toolDigest}`]: 'remove removed',
      'docker.io/library/old:1': 'remove removed',
    });
    expect(imagesLeft(bench)).toEqual(Object.keys(kept).toSorted());
    expect(run.report).toMatchObject({
      outcome: 'Succeeded',
      images: { total: 11, inUse: 4, removed: 3, failed: 0, skipped: 0, unknown: 0, kept: 8 },
      bytes: { nominal: 300e6 },
      errors: [],
    });
    expect(run.report.bytes.freed).toBeCloseTo(300e6, -4);
    expect(run.events.at(-1)).toMatchObject({ event: 'report', node: 'node-1', policy: 'nightly', ...run.report });
  });

  it('a dry run decides the same and removes nothing', async () => {
    await prepare(node, job);
    const run = await runClean(bench, ['--dry-run'], env);

    expect(run.exitCode).toBe(0);
    expect(decisions(run)).toEqual({
      ...kept,
      [namelessId]: 'remove planned',
      [`docker.io/library/tool@${toolDigest}`]: 'remove planned',
      'docker.io/library/old:1': 'remove planned',
    });
    expect(readNode(bench.nodeFile).images).toEqual(node.images);
    expect(run.report).toMatchObject({ outcome: 'DryRun', images: { total: 11, removed: 0, kept: 8 } });
    expect(run.report.bytes).toEqual({ freed: 0, nominal: 300e6 });
  });
});

it.each(['containerd-1.6', 'containerd-2.4', 'cri-o'] as const)(
  'the image that sandboxes stand on stays on %s, whatever it is called, also when the runtime is configured with another by now (H7)',
  async (flavour) => {
    const base = buildImage('registry.example.com/k8s/sandbox-base:3.10');
    const sandboxes = [buildSandbox('web', { image: nameOf(base) })];
    await prepare({ flavour, images: [web, old, base], containers: [buildContainer(web)], sandboxes });
    const run = await runClean(bench);

    expect(run.exitCode).toBe(0);
    expect(decisions(run)).toMatchObject({ [nameOf(base)]: 'keep Pinned', [nameOf(old)]: 'remove removed' });
  },
);

it('an image that no registry gave stays, and a nameless leftover goes (H8)', async () => {
  const airgap = buildImage('docker.io/library/airgap:1');
  const pulled = buildImage('docker.io/library/pulled:1', {
    repoDigests: [`docker.io/library/pulled@sha256:${'ab'.repeat(32)}`],
  });
  const leftover = buildImage('leftover', { repoTags: [] });
  const images = { keepSideLoaded: true };
  await prepare({ images: [web, airgap, pulled, leftover], containers: [buildContainer(web)] }, { images });
  const run = await runClean(bench);

  expect(run.exitCode).toBe(0);
  expect(decisions(run)).toMatchObject({
    [nameOf(airgap)]: 'keep SideLoaded',
    [nameOf(pulled)]: 'remove removed',
    [leftover.id]: 'remove removed',
  });
});

describe('on a node with CRI-O', () => {
  it('an artifact with two tags is one image, protected by either (T10)', async () => {
    const model = buildImage('quay.io/acme/model:1');
    const again = { ...model, repoTags: ['quay.io/acme/model:latest'] };
    await prepare({ flavour: 'cri-o', images: [web, old, model, again] }, { images: { exclude: ['**:latest'] } });
    const run = await runClean(bench);

    expect(run.exitCode).toBe(0);
    expect(decisions(run)).toMatchObject({ [nameOf(model)]: 'keep Excluded', [nameOf(old)]: 'remove removed' });
    expect(run.report.images).toMatchObject({ total: 3, removed: 2, kept: 1 });
  });

  it('an image that something else than the kubelet uses is refused, and skipped (T16)', async () => {
    const podman = buildImage('docker.io/library/podman:1', { removal: { kind: 'InUse' } });
    await prepare({ flavour: 'cri-o', images: [web, old, podman], containers: [buildContainer(web)] });
    const run = await runClean(bench);

    expect(run.exitCode).toBe(0);
    expect(decisions(run)[nameOf(podman)]).toBe('remove InUse skipped');
    expect(run.report).toMatchObject({ outcome: 'Succeeded', images: { removed: 1, skipped: 1 }, errors: [] });
  });

  it('a container keeps the image that it runs on, and not the one that its tag names now (T5)', async () => {
    const moved = buildImage('moved', {
      repoTags: [],
      repoDigests: [`docker.io/library/web@sha256:${'ab'.repeat(32)}`],
    });
    const containers = [buildContainer(moved, { id: 'c1', image: 'docker.io/library/web:1' })];
    await prepare({ flavour: 'cri-o', images: [web, old, moved], containers });
    const run = await runClean(bench);

    expect(imagesLeft(bench)).toEqual([nameOf(moved)]);
    expect(run.report.images).toMatchObject({ total: 3, inUse: 1, removed: 2 });
  });
});

it.each(['sha256:', ''])(
  'a pause image that the runtime names by its ID, with the prefix "%s", stays and fails no run (H30, T7)',
  async (prefix) => {
    const base = buildImage('registry.test/base:1');
    const sandboxImage = prefix + base.id.replace('sha256:', '');
    await prepare({
      flavour: 'containerd-1.6',
      sandboxImage,
      images: [web, old, base],
      containers: [buildContainer(web)],
    });
    const run = await runClean(bench);

    expect(decisions(run)).toMatchObject({ [nameOf(base)]: 'keep Pinned', [nameOf(old)]: 'remove removed' });
    expect(run.exitCode).toBe(0);
  },
);

describe('one odd image fails no run, and the report tells it (H30)', () => {
  const odd = (answer: Record<string, unknown>, fields: object = {}) =>
    buildImage('registry.test/odd:1', { answer, ...fields });
  const job = { images: { keepNewestPerRepository: 1 } };
  const older = ['1', '2'].map((tag) =>
    buildImage(`registry.test/odd:${tag}0`, { created: `202${tag}-01-01T00:00:00Z` }),
  );

  it.each([
    ['a size that no disk has', odd({ size: '18446744073709551615' }), 'ImageSizeUnknown'],
    ['a size below zero', odd({ size: '-1' }), 'ImageSizeUnknown'],
    ['another kind of ID', odd({ id: 'md5:0123' }), 'ImageUnreadable'],
    ['tags that are no list', odd({ repoTags: 'registry.test/odd:1' }), 'ImageUnreadable'],
    [
      'a configuration that nobody can read in time',
      odd({}, { inspectionError: 'code = DeadlineExceeded desc = context deadline exceeded' }),
      'ImageNotInspected',
    ],
    [
      'a configuration that is lost',
      odd({}, { inspectionError: 'code = NotFound desc = content digest sha256:0: not found' }),
      'ImageNotInspected',
    ],
  ])('such as one with %s', async (_, image, reason) => {
    await prepare({ images: [web, old, image, ...older], containers: [buildContainer(web)] }, job);
    const run = await runClean(bench);

    expect(run.exitCode).toBe(0);
    expect(run.report).toMatchObject({ outcome: 'Succeeded', errors: [{ reason }] });
    expect(decisions(run)).toMatchObject({ 'registry.test/odd:10': 'remove removed' });
    if (reason !== 'ImageSizeUnknown') expect(imagesLeft(bench)).toContain('registry.test/odd:1');
  });

  it('and a container that uses an image with another kind of ID makes no other removable', async () => {
    const image = odd({ id: 'md5:0123' });
    const containers = [
      buildContainer(web),
      buildContainer(image, { answer: { imageId: 'md5:0123', imageRef: 'md5:0123' } }),
    ];
    await prepare({ images: [web, old, image], containers }, { images: { keepNewestPerRepository: 0 } });
    const run = await runClean(bench);

    expect(run.exitCode).toBe(0);
    expect(imagesLeft(bench)).toEqual([nameOf(image), nameOf(web)].toSorted());
    expect(run.report.errors).toMatchObject([{ reason: 'ImageUnreadable' }]);
  });

  it('and very many of them leave the report small enough', async () => {
    const images = Array.from({ length: 300 }, (_, index) =>
      buildImage(`registry.test/odd:${index}`, { answer: { id: `md5:${index}`.padEnd(5_000, 'x') } }),
    );
    await prepare({ images: [web, old, ...images], containers: [buildContainer(web)] });
    const run = await runClean(bench);

    expect(imagesLeft(bench)).not.toContain(nameOf(old));
    expect(run.report.errors).toMatchObject([{ message: expect.stringContaining('and 297 more') }]);
    expect(Buffer.byteLength(JSON.stringify(run.report))).toBeLessThanOrEqual(maxReportBytes);
  });
});

describe('nothing is removed, and the exit code is 2 (C36, T1)', () => {
  async function expectNothingAttempted(run: CleanRun, message: string | RegExp): Promise<void> {
    expect(run.exitCode).toBe(2);
    expect(run.report).toMatchObject({ outcome: 'Failed', errors: [{ message: expect.stringMatching(message) }] });
    expect(run.events).toContainEqual(expect.objectContaining({ level: 'error', event: 'error' }));
    expect(imagesLeft(bench)).toEqual([nameOf(old), nameOf(web)]);
  }

  it.each([
    ['ps', 'rubbish', /"crictl ps -a -o json" gave an answer that can't be relied on \(it is not JSON/],
    ['ps', 'half', /"crictl ps -a -o json" gave an answer that can't be relied on \(it is cut off/],
    ['ps', 'fails', /"crictl ps -a -o json" ended with exit code 1: something broke; check CONTAINER_RUNTIME_ENDPOINT/],
    ['inspect', 'fails', /"crictl inspect -q -o json \(1 IDs\)" ended with exit code 1/],
    ['info', 'crashes', /"crictl info -o json" was ended by SIGKILL/],
  ] as const)('when crictl %s is %s', async (command, how, message) => {
    await prepare({ images: [web, old], containers: [buildContainer(web)] });
    const CRICTL = await writeBrokenCrictl(bench.directory, command, how);
    await expectNothingAttempted(await runClean(bench, [], { CRICTL }), message);
  });

  it.each<[what: string, env: (directory: string) => NodeJS.ProcessEnv, message: RegExp]>([
    ['crictl is missing', () => ({ CRICTL: '/nowhere/crictl' }), /^\/nowhere\/crictl was not found: install crictl/],
    [
      'crictl may not be executed',
      (directory) => ({ CRICTL: join(directory, 'job.json') }),
      /\(EACCES\): make it exec/,
    ],
    [
      'the socket is missing',
      () => ({ CONTAINER_RUNTIME_ENDPOINT: 'unix:///nowhere.sock' }),
      /dial unix \/nowhere.sock: connect: no such file or directory.*check CONTAINER_RUNTIME_ENDPOINT/,
    ],
    ['the list of containers lacks our own', () => ({ POD_UID: '1234' }), /lacks the container of this pod/],
  ])('when %s', async (_, env, message) => {
    await prepare({ images: [web, old], containers: [buildContainer(web)] });
    await expectNothingAttempted(await runClean(bench, [], env(bench.directory)), message);
  });

  it.each<[what: string, node: Partial<SimulatedNode>, message: RegExp]>([
    [
      'a container refers to no image (T3)',
      {
        containers: [buildContainer(web, { answer: { imageId: null, image: { image: 'ghost' }, imageRef: 'ghost' } })],
      },
      /container main \(.*\) uses ghost, which is not an image on this node: remove the container.*nothing was removed/,
    ],
    [
      'there are sandboxes without any container',
      {
        sandboxes: [
          { id: 's', name: 'web', namespace: 'default', state: 'SANDBOX_READY', createdAt: '2026-01-01T00:00:00Z' },
        ],
      },
      /the list of containers is empty although 1 pod sandboxes are ready/,
    ],
  ])('when %s', async (_, node, message) => {
    await prepare({ images: [web, old], ...node });
    await expectNothingAttempted(await runClean(bench), message);
  });

  it.each<[what: string, spoil: (path: string) => Promise<void>, message: RegExp]>([
    ['missing', (path) => rm(path), /job .*job.json can't be read: check --job/],
    ['cut off', (path) => writeFile(path, '{"version":1,"pol'), /job .*job.json is not complete JSON/],
    ['of another version', (path) => writeFile(path, '{"version":2}'), /has version 2.*same release/],
    ['wrong twice', (path) => writeFile(path, '{"version":1,"run":"","x":1}'), /policy: .*run: .*"x"/],
  ])('when the job is %s', async (_, spoil, message) => {
    await prepare({ images: [web, old], containers: [buildContainer(web)] });
    await spoil(bench.jobFile);
    await expectNothingAttempted(await runClean(bench), message);
  });
});

describe('a removal', () => {
  it('that the runtime refuses holds no other back, and is told with its reason (N9, T16)', async () => {
    const used = buildImage('docker.io/library/used:1', { removal: { kind: 'InUse' } });
    const stuck = buildImage('docker.io/library/stuck:1', { removal: { kind: 'Fails', message: 'read-only' } });
    await prepare({ images: [used, stuck, old] });
    const run = await runClean(bench);

    expect(run.exitCode).toBe(1);
    expect(decisions(run)).toEqual({
      [nameOf(used)]: 'remove InUse skipped',
      [nameOf(stuck)]: 'remove RemovalFailed failed',
      [nameOf(old)]: 'remove removed',
    });
    expect(run.report).toMatchObject({
      outcome: 'PartiallyFailed',
      images: { removed: 1, failed: 1, skipped: 1 },
      errors: [{ image: nameOf(stuck), reason: 'RemovalFailed', message: expect.stringContaining('read-only') }],
    });
  });

  it('takes note of what happens while it goes on (C34, T15, T17, T24)', async () => {
    const slow = junk.map((image) => ({ ...image, removal: { kind: 'Late', ms: 1_500 } as const }));
    await prepare({ images: slow });
    const { done } = startClean(bench);
    await waitForImages(30);
    const left = readNode(bench.nodeFile).images;
    const [usedNow, goneNow] = left.slice(-2);
    if (usedNow === undefined || goneNow === undefined) throw new Error('nothing is left for a second batch');
    updateNode(bench.nodeFile, (node) => ({
      ...node,
      images: node.images.filter(({ id }) => id !== goneNow.id),
      containers: [buildContainer(usedNow)],
    }));
    const run = await done;

    expect(run.exitCode).toBe(0);
    expect(imagesLeft(bench)).toEqual([nameOf(usedNow)]);
    expect(decisions(run)).toMatchObject({
      [nameOf(usedNow)]: 'remove InUse skipped',
      [nameOf(goneNow)]: 'remove removed',
    });
    expect(run.report.images).toMatchObject({ total: 80, removed: 79, skipped: 1 });
  });

  it('that is in flight at SIGTERM finishes, and no other starts (T14)', async () => {
    const slow = junk.map((image) => ({ ...image, removal: { kind: 'Late', ms: 1_500 } as const }));
    await prepare({ images: slow });
    const { subprocess, done } = startClean(bench);
    await waitForImages(30);
    subprocess.kill('SIGTERM');
    const run = await done;

    expect(run.exitCode).toBe(1);
    expect(imagesLeft(bench)).toHaveLength(30);
    expect(run.images).toHaveLength(80);
    expect(run.report).toMatchObject({
      outcome: 'PartiallyFailed',
      images: { removed: 50, failed: 0, skipped: 30 },
      errors: [{ reason: 'Interrupted', message: '30 images were not tried: asked to stop' }],
    });
  });

  it('that hangs at SIGTERM is left, and the report comes well before 30 s (H29)', async () => {
    const hung = junk.slice(0, 40).map((image) => ({ ...image, removal: { kind: 'Hangs' } as const }));
    await prepare({ images: [...hung, ...junk.slice(40)] });
    const { subprocess, done } = startClean(bench);
    await waitForImages(79);
    const stoppedAt = performance.now();
    subprocess.kill('SIGTERM');
    const run = await done;

    expect(performance.now() - stoppedAt).toBeLessThan(25_000);
    expect(run.exitCode).toBe(1);
    expect(run.images).toHaveLength(80);
    expect(run.report.images.removed).toBe(80 - imagesLeft(bench).length);
    expect(run.report.images).toMatchObject({ skipped: 30 });
    expect(run.report.images.failed).toBeGreaterThan(0);
    expect(run.report.errors[0]).toMatchObject({ reason: 'Interrupted' });
  }, 60_000);

  it('goes on just down to the low threshold (N6, N7)', async () => {
    const filesystem = { capacityBytes: 10e9, otherBytes: 1.05e9, mountpoint: '/' };
    const images = junk.slice(0, 8).map((image) => ({ ...image, sizeBytes: 1e9 }));
    await prepare({ images, filesystem }, { disk: { highPercent: 85, lowPercent: 80 } });
    const run = await runClean(bench);

    expect(run.report.images).toMatchObject({ removed: 2, kept: 6 });
    expect(imagesLeft(bench)).toHaveLength(6);
    expect(Object.values(decisions(run)).filter((decision) => decision === 'keep BelowThreshold')).toHaveLength(6);
  });
});

describe('the disk', () => {
  const disk = { highPercent: 85, lowPercent: 70 };
  const eight = () => junk.slice(0, 8);

  it('counts as full where its inodes are used up, and is cleaned until enough of them are free (H14)', async () => {
    const filesystem = {
      capacityBytes: 100e9,
      otherBytes: 0,
      mountpoint: '/',
      inodes: { capacity: 100, perImage: 12 },
    };
    await prepare({ images: eight(), filesystem }, { disk });
    const run = await runClean(bench);

    expect(run.report.images).toMatchObject({ removed: 3, kept: 5 });
  });

  it('that stays above its target is told, with the bytes that stand in the way by reason (H15)', async () => {
    const used = { ...web, sizeBytes: 0.99e9 };
    const small = buildImage('docker.io/library/small:1', { sizeBytes: 1e6 });
    const base = buildImage('docker.io/library/base:1', { sizeBytes: 9e6 });
    const filesystem = { capacityBytes: 10e9, otherBytes: 8.2e9, mountpoint: '/' };
    const node = { images: [used, small, base], containers: [buildContainer(used)], filesystem };
    await prepare(node, { images: { exclude: ['**/base'] }, disk: { highPercent: 85, lowPercent: 80 } });
    const run = await runClean(bench);

    expect(run.exitCode).toBe(0);
    expect(imagesLeft(bench)).toEqual(['docker.io/library/base:1', 'docker.io/library/web:1']);
    expect(run.report).toMatchObject({
      outcome: 'TargetNotMet',
      images: { removed: 1, failed: 0 },
      keptBytes: { InUse: 0.99e9, Excluded: 9e6 },
      errors: [{ reason: 'TargetNotMet', message: expect.stringMatching(/InUse 944.1 MiB; Excluded 8.6 MiB$/) }],
    });
  });

  it.each([
    [89, 80, 'Failed', 2],
    [90, 8, 'Succeeded', 0],
  ])(
    'loses nothing where more than maxPercentPerRun (%i) would go: %i of 80 images stay (H16)',
    async (maxPercentPerRun, left, outcome, exitCode) => {
      await prepare(
        { images: junk, containers: junk.slice(0, 8).map((image) => buildContainer(image)) },
        { images: { maxPercentPerRun } },
      );
      const run = await runClean(bench);

      expect(imagesLeft(bench)).toHaveLength(left);
      expect(run).toMatchObject({ exitCode, report: { outcome, images: { total: 80 } } });
      const told = run.report.errors.map(({ reason }) => reason);
      expect(told).toEqual(outcome === 'Failed' ? ['TooManyRemovals'] : []);
    },
  );

  it('that can not be measured is cleaned by no threshold, and the report says so (H13)', async () => {
    const elsewhere = { NODESWEEP_STATE_ON_NODE: '/var/lib/docker/nodesweep' };
    await prepare({ images: eight() }, { disk });
    const run = await runClean(bench, [], elsewhere);

    expect(run.exitCode).toBe(2);
    expect(run.report.outcome).toBe('Failed');
    expect(run.report.errors).toMatchObject([
      { reason: 'DiskUnmeasurable', message: expect.stringContaining('NODESWEEP_STATE_DIRECTORIES') },
    ]);
    expect(imagesLeft(bench)).toHaveLength(8);
  });

  it('that can not be measured is still cleaned of what has been unused for too long, and the report says so (H13, N5)', async () => {
    await prepare({ images: eight() }, { disk, images: { minAge: '0s', maxUnusedAge: '1s' } });
    await runClean(bench, ['--dry-run']);
    await sleep(1_100);
    const run = await runClean(bench, [], { NODESWEEP_STATE_ON_NODE: '/var/lib/docker/nodesweep' });

    expect(run.report).toMatchObject({ images: { removed: 8 }, errors: [{ reason: 'DiskUnmeasurable' }] });
  });
});

describe('the history', () => {
  it('protects what was used or came since the run before, for minAge (N4)', async () => {
    await prepare({ images: [web, old], containers: [buildContainer(web)] });
    expect(decisions(await runClean(bench, ['--dry-run']))[nameOf(old)]).toBe('remove planned');
    const fresh = buildImage('docker.io/library/fresh:1');
    updateNode(bench.nodeFile, (node) => ({ ...node, containers: [], images: [...node.images, fresh] }));
    const run = await runClean(bench);

    expect(decisions(run)).toEqual({
      [nameOf(web)]: 'keep RecentlyUsed',
      [nameOf(fresh)]: 'keep TooYoung',
      [nameOf(old)]: 'remove removed',
    });
  });

  it('tells of each image when it was first seen and last used, as far as it knows (N1)', async () => {
    await prepare({ images: [web, old], containers: [buildContainer(web)] });
    await runClean(bench, ['--dry-run']);
    const fresh = buildImage('docker.io/library/fresh:1');
    updateNode(bench.nodeFile, (node) => ({ ...node, images: [...node.images, fresh] }));
    const { images } = await runClean(bench);
    const timesOf = ({ id }: { readonly id: string }) => {
      const { firstSeen, lastUsed } = images.find((event) => event.id === id) ?? {};
      return { firstSeen, lastUsed };
    };

    const recent = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);
    expect(timesOf(web)).toEqual({ firstSeen: undefined, lastUsed: recent });
    expect(timesOf(fresh)).toEqual({ firstSeen: recent, lastUsed: undefined });
    expect(timesOf(old)).toEqual({ firstSeen: undefined, lastUsed: undefined });
  });

  it('forgets what it removed: an image that is pulled again is a new one (N4)', async () => {
    await prepare({ images: [web, old], containers: [buildContainer(web)] });
    expect(decisions(await runClean(bench))[nameOf(old)]).toBe('remove removed');
    updateNode(bench.nodeFile, (node) => ({ ...node, images: [...node.images, old] }));
    expect(decisions(await runClean(bench))[nameOf(old)]).toBe('keep TooYoung');
  });

  it('forgets before the removal, so that a cleaner that is killed leaves no old record of an image (N4, N8)', async () => {
    await prepare({
      images: [web, { ...old, removal: { kind: 'Late', ms: 3_000 } }],
      containers: [buildContainer(web)],
    });
    const { subprocess, done } = startClean(bench);
    while (imagesLeft(bench).includes(nameOf(old))) await sleep(20);
    subprocess.kill('SIGKILL');
    await expect(done).rejects.toThrow();
    updateNode(bench.nodeFile, (node) => ({ ...node, images: [...node.images, old] }));
    expect(decisions(await runClean(bench))[nameOf(old)]).toBe('keep TooYoung');
  });

  it('that can not be written is told, and every image counts as just seen (H27)', async () => {
    await prepare({ images: [old] });
    await writeFile(bench.stateDirectory, 'a file where the directory should be');
    const run = await runClean(bench);

    expect(run.exitCode).toBe(0);
    expect(imagesLeft(bench)).toEqual([nameOf(old)]);
    expect(run.report.outcome).toBe('Succeeded');
    expect(run.report.errors.map(({ reason }) => reason)).toContain('HistoryNotWritten');
  });
});

describe('the report', () => {
  it('fits into a termination message, however much goes wrong', async () => {
    const stuck = junk.map((image) => ({ ...image, removal: { kind: 'Fails', message: 'no '.repeat(99) } as const }));
    await prepare({ images: stuck });
    const run = await runClean(bench);

    expect(run.exitCode).toBe(1);
    expect((await stat(bench.reportFile)).size).toBeLessThanOrEqual(maxReportBytes);
    expect(run.report.images.failed).toBe(80);
    expect(run.report.errors.length).toBeGreaterThan(5);
    expect(run.report.omitted).toBe(80);
  });

  it('says that there was nothing to do on an empty node', async () => {
    await prepare({});
    const run = await runClean(bench);
    expect(run).toMatchObject({ exitCode: 0, report: { outcome: 'Succeeded', images: { total: 0 } } });
  });
});

describe('LOG_LEVEL', () => {
  it('that is none is told, and taken for info', async () => {
    await prepare({ images: [old] });
    const run = await runClean(bench, [], { LOG_LEVEL: 'loud' });
    expect(run.events[0]).toMatchObject({ level: 'warn', msg: expect.stringContaining('LOG_LEVEL loud is none of') });
    expect(run.images).toHaveLength(1);
  });
});
