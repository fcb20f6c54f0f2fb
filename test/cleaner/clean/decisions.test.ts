import { describe, expect, it } from 'vitest';
import { buildContainer, buildImage, readNode, type SimulatedNode } from '../../fixtures/simulated/node.ts';
import { imagesLeft, nameOf, runClean } from '../../helpers/clean.ts';
import { decisions, old, prepare, web } from '../../helpers/node-to-clean.ts';

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

  it('the cleaner removes the right images, logs each once, and reports the same, with a sentence at the end of the log (H60, T2, T7, T9, T10, T11, T12)', async () => {
    const bench = await prepare(node, job);
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
    expect(run.events.at(-2)).toMatchObject({
      event: 'summary',
      msg: expect.stringMatching(/^freed .*B on node-1: 3 images removed, 4 in use, /),
    });
  });

  it('a dry run makes the same decisions, and removes nothing', async () => {
    const bench = await prepare(node, job);
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

it('the cleaner keeps an image that came from no registry, and removes one without a name (H8)', async () => {
  const airgap = buildImage('docker.io/library/airgap:1');
  const pulled = buildImage('docker.io/library/pulled:1', {
    repoDigests: [`docker.io/library/pulled@sha256:${'ab'.repeat(32)}`],
  });
  const leftover = buildImage('leftover', { repoTags: [] });
  const images = { keepSideLoaded: true };
  const bench = await prepare(
    { images: [web, airgap, pulled, leftover], containers: [buildContainer(web)] },
    { images },
  );
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
    const bench = await prepare(
      { flavour: 'cri-o', images: [web, old, model, again] },
      { images: { exclude: ['**:latest'] } },
    );
    const run = await runClean(bench);

    expect(run.exitCode).toBe(0);
    expect(decisions(run)).toMatchObject({ [nameOf(model)]: 'keep Excluded', [nameOf(old)]: 'remove removed' });
    expect(run.report.images).toMatchObject({ total: 3, removed: 2, kept: 1 });
  });

  it('the cleaner skips an image whose removal CRI-O refuses because of use (T16)', async () => {
    const podman = buildImage('docker.io/library/podman:1', { removal: { kind: 'InUse' } });
    const bench = await prepare({ flavour: 'cri-o', images: [web, old, podman], containers: [buildContainer(web)] });
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
    const bench = await prepare({ flavour: 'cri-o', images: [web, old, moved], containers });
    const run = await runClean(bench);

    expect(imagesLeft(bench)).toEqual([nameOf(moved)]);
    expect(run.report.images).toMatchObject({ total: 3, inUse: 1, removed: 2 });
  });
});
