import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildContainer, buildImage } from '../../fixtures/simulated/node.ts';
import { type Bench, type CleanRun, imagesLeft, runClean } from '../../helpers/clean.ts';
import { decisions, old, prepare, web } from '../../helpers/node-to-clean.ts';

const spare = buildImage('docker.io/library/spare:1');
const allAge = { minAge: '0s' };
type Sets = Readonly<Record<string, Readonly<Record<string, string | Uint8Array>>>>;

/** Runs the cleaner with sets in a directory, as the kubelet mounts them. */
async function cleanWithSets(bench: Bench, sets: Sets, args: readonly string[] = []): Promise<CleanRun> {
  const directory = join(bench.directory, 'sets');
  for (const [name, keys] of Object.entries(sets)) {
    await mkdir(join(directory, name), { recursive: true });
    for (const [key, text] of Object.entries(keys)) await writeFile(join(directory, name, key), text);
  }
  return runClean(bench, ['--sets', directory, ...args]);
}

const eventOf = ({ images }: CleanRun, name: string) => images.find(({ names }) => names[0] === name);

describe('images.excludeFrom', () => {
  it('keeps what a set names, and tells the set and the reason (S3, S7)', async () => {
    const bench = await prepare({ images: [old, spare] }, { images: { ...allAge, excludeFrom: ['frozen'] } });
    const run = await cleanWithSets(bench, { frozen: { 'list.txt': '# of the release\nspare:1 # frozen for 2.4\n' } });
    expect(run.exitCode).toBe(0);
    expect(imagesLeft(bench)).toEqual(['docker.io/library/spare:1']);
    expect(eventOf(run, 'docker.io/library/spare:1')).toMatchObject({
      decision: 'keep',
      reason: 'Excluded',
      message: 'image set frozen: frozen for 2.4',
      set: 'frozen',
    });
    expect(run.report.sets).toEqual({ frozen: { removed: 0, kept: 1 } });
  });

  it.each<[string, Sets, RegExp]>([
    ['is missing', {}, /image set frozen can't be read: there is no such image set/],
    ['is empty', { frozen: {} }, /image set frozen can't be read: .*no keys/],
    ['is not text', { frozen: { list: new Uint8Array([0xff, 0xfe, 0x00]) } }, /its key list is not UTF-8 text/],
    ['is too large', { frozen: { a: '#'.repeat(600_000), b: '#'.repeat(600_000) } }, /it is larger than 1 MiB/],
  ])('removes nothing at all if a set %s: exit 2, and also in a dry run (S3)', async (_why, sets, message) => {
    const bench = await prepare({ images: [old, spare] }, { images: { ...allAge, excludeFrom: ['frozen'] } });
    for (const args of [['--dry-run'], []]) {
      const run = await cleanWithSets(bench, sets, args);
      expect(run).toMatchObject({ exitCode: 2, report: { outcome: 'Failed' } });
      expect(run.report.errors[0]).toMatchObject({
        reason: 'ImageSetUnreadable',
        message: expect.stringMatching(message),
      });
      expect(imagesLeft(bench)).toHaveLength(2);
    }
  });

  it('removes nothing at all if the sets are too large together: exit 2, with the sum and the limit, once (S3, S6)', async () => {
    const images = { ...allAge, excludeFrom: ['frozen'], removeFrom: ['cve'] };
    const bench = await prepare({ images: [old, spare] }, { images });
    const frozen = { list: 'spare:1\n'.repeat(30_000) };
    const run = await cleanWithSets(bench, { frozen, cve: { list: 'old:1\n'.repeat(20_001) } });
    expect(run).toMatchObject({ exitCode: 2, report: { outcome: 'Failed' } });
    expect(run.report.errors).toEqual([
      {
        reason: 'ImageSetUnreadable',
        message: expect.stringMatching(
          /^nothing is removed: image sets frozen, cve can't be read: together they have 360006 bytes and 50001 lines, and the limit is 4194304 bytes and 50000 lines: shorten /,
        ),
      },
    ]);
    expect(imagesLeft(bench)).toHaveLength(2);
    const shorter = await cleanWithSets(bench, { frozen, cve: { list: 'old:1\n'.repeat(20_000) } });
    expect(shorter.exitCode).toBe(0);
    expect(imagesLeft(bench)).toEqual(['docker.io/library/spare:1']);
  });

  it('removes nothing if the ConfigMap of a set is mounted, but has no label, so that the scheduler does not know it (S3, S6)', async () => {
    const job = { images: { ...allAge, excludeFrom: ['frozen'], removeFrom: ['cve'] } };
    const sets = { frozen: { list: 'spare:1\n' }, cve: { list: 'old:1\n' } };
    const unlabelled = await prepare({ images: [old, spare] }, { ...job, setTimes: { cve: '' } });
    const run = await cleanWithSets(unlabelled, sets);
    expect(run).toMatchObject({ exitCode: 2, report: { outcome: 'Failed' } });
    expect(run.report.errors).toEqual([
      {
        reason: 'ImageSetUnreadable',
        message:
          "nothing is removed: image set frozen can't be read: its ConfigMap had no label nodesweep.io/kind: image-set when the run began; if it is an image set, run kubectl label configmap frozen -n NAMESPACE nodesweep.io/kind=image-set with the namespace of the scheduler, and the next run reads it",
      },
    ]);
    expect(imagesLeft(unlabelled)).toHaveLength(2);
    const labelled = await prepare({ images: [old, spare] }, { ...job, setTimes: { cve: '', frozen: '' } });
    expect((await cleanWithSets(labelled, sets)).exitCode).toBe(0);
    expect(imagesLeft(labelled)).toEqual(['docker.io/library/spare:1']);
  });

  it('names nothing to remove if its ConfigMap has no label (S4, S6)', async () => {
    const job = { images: { ...allAge, removeFrom: ['cve'] }, disk: { highPercent: 99, lowPercent: 98 } };
    const bench = await prepare({ images: [old] }, { ...job, setTimes: {} });
    const run = await cleanWithSets(bench, { cve: { list: 'old:1\n' } });
    expect(run.report.errors).toEqual([
      { reason: 'ImageSetUnreadable', message: expect.stringContaining('kubectl label configmap cve ') },
    ]);
    expect(imagesLeft(bench)).toHaveLength(1);
  });

  it('removes nothing without --sets (S3)', async () => {
    const bench = await prepare({ images: [old] }, { images: { ...allAge, excludeFrom: ['frozen'] } });
    expect(await runClean(bench)).toMatchObject({
      exitCode: 2,
      report: { errors: [{ reason: 'ImageSetUnreadable' }] },
    });
    expect(imagesLeft(bench)).toHaveLength(1);
  });
});

describe('images.includeFrom', () => {
  it('lets go only what a set names (S2)', async () => {
    const bench = await prepare({ images: [old, spare] }, { images: { ...allAge, includeFrom: ['cve', 'gone'] } });
    const run = await cleanWithSets(bench, { cve: { list: 'old:1 CVE-2026-1 critical\n' } });
    expect(run.exitCode).toBe(0);
    expect(imagesLeft(bench)).toEqual(['docker.io/library/spare:1']);
    expect(eventOf(run, 'docker.io/library/old:1')).toMatchObject({
      outcome: 'removed',
      message: 'image set cve: CVE-2026-1 critical',
      set: 'cve',
    });
    expect(eventOf(run, 'docker.io/library/spare:1')).toMatchObject({ reason: 'NotIncluded' });
    expect(run.report.errors).toEqual([
      {
        reason: 'ImageSetUnreadable',
        message: expect.stringMatching(/^image set gone can't be read: there is no such image set/),
      },
    ]);
  });

  it('fails if no set can be read, because the run can do nothing (S2)', async () => {
    const bench = await prepare({ images: [old] }, { images: { ...allAge, includeFrom: ['cve', 'gone'] } });
    const run = await cleanWithSets(bench, {});
    expect(run).toMatchObject({ exitCode: 2, report: { errors: [{ reason: 'ImageSetUnreadable' }] } });
    expect(imagesLeft(bench)).toHaveLength(1);
  });
});

describe('images.removeFrom', () => {
  it('removes what a set names at any age and disk usage, and nothing that a rule keeps (S4)', async () => {
    const images = { minAge: '7d', exclude: ['spare'], removeFrom: ['cve'] };
    const disk = { highPercent: 99, lowPercent: 98 };
    const bench = await prepare({ images: [old, spare, web], containers: [buildContainer(web)] }, { images, disk });
    // The first look makes every image young.
    const run = await cleanWithSets(bench, { cve: { list: 'old:1 # CVE-2026-1\nspare:1\nweb:1\n' } });
    expect(run.exitCode).toBe(0);
    expect(decisions(run)).toEqual({
      'docker.io/library/old:1': 'remove removed',
      'docker.io/library/spare:1': 'keep Excluded',
      'docker.io/library/web:1': 'keep InUse',
    });
    expect(run.report.sets).toEqual({ cve: { removed: 1, kept: 0 } });
  });

  it('names nothing if it can not be read, and the report says so (S4)', async () => {
    const bench = await prepare({ images: [old] }, { images: { ...allAge, minAge: '7d', removeFrom: ['cve'] } });
    const run = await cleanWithSets(bench, {});
    expect(run.report.errors).toContainEqual(expect.objectContaining({ reason: 'ImageSetUnreadable' }));
  });
});

it('a line that names no image is told with its set, key and number, and the others count (S1)', async () => {
  const bench = await prepare({ images: [old, spare] }, { images: { ...allAge, excludeFrom: ['frozen'] } });
  const text = ['spare:1', 'Not An Image', 'sha256:12', 'x:1 y:2', ':', ':'].join('\n');
  const run = await cleanWithSets(bench, { frozen: { 'list.txt': text } });
  expect(imagesLeft(bench)).toEqual(['docker.io/library/spare:1']);
  expect(run.report.errors).toEqual([
    {
      reason: 'ImageSetLineInvalid',
      message: expect.stringMatching(
        /^image set frozen, key list.txt, line 2: .*; key list.txt, line 3: .*and 2 more lines$/,
      ),
    },
  ]);
});

describe('images.maxSetAge', () => {
  const maxSetAge = '1d';
  const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
  it.each([
    ['was updated within it', { frozen: ago(23) }, 0],
    ['is older', { frozen: ago(25) }, 2],
    ['has a time that nobody knows', { frozen: '' }, 2],
    ['has a malformed time', { frozen: 'yesterday' }, 2],
    ['has a time far in the future', { frozen: ago(-25) }, 2],
  ])('a set that %s', async (_which, setTimes, exitCode) => {
    const job = { images: { ...allAge, excludeFrom: ['frozen'], maxSetAge }, setTimes };
    const bench = await prepare({ images: [old] }, job);
    const run = await cleanWithSets(bench, { frozen: { list: '' } });
    expect(run.exitCode).toBe(exitCode);
    expect(imagesLeft(bench)).toHaveLength(exitCode === 0 ? 0 : 1);
  });
});
