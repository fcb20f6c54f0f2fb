import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { buildContainer, buildImage, updateNode } from '../../fixtures/simulated/node.ts';
import { imagesLeft, nameOf, runClean, startClean } from '../../helpers/clean.ts';
import { decisions, old, prepare, web } from '../../helpers/node-to-clean.ts';

describe('the history', () => {
  it('protects for minAge each image that was used or added since the last run (N4)', async () => {
    const bench = await prepare({ images: [web, old], containers: [buildContainer(web)] });
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

  it('has the times at which each image was first seen and last used, if known (N1)', async () => {
    const bench = await prepare({ images: [web, old], containers: [buildContainer(web)] });
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

  it('forgets an image that the cleaner removed: it is new when it is pulled again (N4)', async () => {
    const bench = await prepare({ images: [web, old], containers: [buildContainer(web)] });
    expect(decisions(await runClean(bench))[nameOf(old)]).toBe('remove removed');
    updateNode(bench.nodeFile, (node) => ({ ...node, images: [...node.images, old] }));
    expect(decisions(await runClean(bench))[nameOf(old)]).toBe('keep TooYoung');
  });

  it('forgets an image before its removal, so that a cleaner that is killed leaves no old record (N4, N8)', async () => {
    const bench = await prepare({
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

  it('that cannot be written is in the report, and every image counts as just seen (H27)', async () => {
    const bench = await prepare({ images: [old] });
    await writeFile(bench.stateDirectory, 'a file where the directory should be');
    const run = await runClean(bench);

    expect(run.exitCode).toBe(0);
    expect(imagesLeft(bench)).toEqual([nameOf(old)]);
    expect(run.report.outcome).toBe('Succeeded');
    expect(run.report.errors.map(({ reason }) => reason)).toContain('HistoryNotWritten');
  });
});
