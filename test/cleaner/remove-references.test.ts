import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildReport } from '../../cleaner/report/build.ts';
import { createUsageReader } from '../../cleaner/runtime/inventory.ts';
import type { Image } from '../../cleaner/runtime/runtime.ts';
import { sweep } from '../../cleaner/sweep.ts';
import { packReferences, removeReferencesFile } from '../../contract/packed-references.ts';
import { decodeOutcomes } from '../../contract/reference-outcomes.ts';
import { maxReportBytes } from '../../contract/report.ts';
import { buildContainer, buildImage } from '../fixtures/simulated/node.ts';
import { type Bench, imagesLeft, runClean } from '../helpers/clean.ts';
import { type GeneratedNode, generateNode, startRuntime, tags } from '../helpers/generated-node.ts';
import { buildJob, buildRunHistory } from '../helpers/inventory.ts';
import { decisions, prepare } from '../helpers/node-to-clean.ts';

const own = 'registry.example.com:5000/team/app:2';
const noise = [
  '**',
  'docker.io/library/*:1',
  'registry.example.com:5000/team/app',
  'quay.io/absent:1',
  'Not A Reference',
];

/** A removal on a node, and references that a starting pod and other lists need there. */
type Request = {
  readonly references: readonly string[];
  readonly startingReferences: string[];
  readonly prepulledReferences: string[];
  readonly dryRun: boolean;
};

/** Any node, and references of which some name its images. */
function generateCase(): fc.Arbitrary<readonly [GeneratedNode, Request]> {
  return generateNode().chain((node) => {
    const names = node.images.flatMap((image) => [...image.names, image.id]);
    const named = fc.oneof(fc.subarray([...new Set([...names, ...tags])]), fc.constant(names));
    return fc.tuple(
      fc.constant(node),
      fc.record({
        references: fc.tuple(named, fc.subarray(noise)).map((all) => all.flat()),
        startingReferences: fc.subarray([...tags], { maxLength: 1 }),
        prepulledReferences: fc.subarray([...tags], { maxLength: 1 }),
        dryRun: fc.boolean(),
      }),
    );
  });
}

async function run(node: GeneratedNode, { references, ...fields }: Request) {
  const runtime = startRuntime(node);
  const findings = await sweep(
    buildJob({ ...fields, removeReferences: [...references], images: { keepSideLoaded: true, minAge: '7d' } }),
    {
      runtime,
      readUsage: createUsageReader(runtime, undefined),
      node: {
        ownReferences: [own],
        measureDisk: async () => {
          const usedBytes = runtime.images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
          return { capacityBytes: 10_000, usedBytes, availableBytes: 10_000 - usedBytes };
        },
        openHistory: () => buildRunHistory(node.history),
        monotonicMs: () => 0,
        throttle: async () => false,
        sleep: async () => undefined,
      },
      onImage: () => undefined,
    },
    new AbortController().signal,
  );
  const report = buildReport(findings, 0);
  return { left: runtime.images, report, outcomes: decodeOutcomes(report.references, references.length) };
}

/** True if references name an image and each of its tags, told from the texts alone. */
function isNamed({ id, names }: Image, references: readonly string[]): boolean {
  const isListed = (name: string) => references.includes(name);
  const [tagNames, digests] = [names.filter((name) => !name.includes('@')), names.filter((name) => name.includes('@'))];
  // All digests of these nodes are in the repository docker.io/library/web.
  const isCovered =
    digests.some(isListed) || tagNames.some((tag) => isListed(tag) && tag.startsWith('docker.io/library/web:'));
  return (isListed(id) || names.some(isListed)) && tagNames.every(isListed) && (digests.length === 0 || isCovered);
}

function isProtected({ id, names, pinned }: Image, node: GeneratedNode, request: Request): boolean {
  const kept = [own, node.sandboxImage, ...request.startingReferences, ...request.prepulledReferences];
  return node.used.has(id) || pinned || names.some((name) => kept.includes(name) || name.includes('/pause:'));
}

describe('on any node, a job with removeReferences', () => {
  it('removes exactly the unprotected images of which every tag is named, at any age and usage (P8, P12, P13)', async () => {
    await fc.assert(
      fc.asyncProperty(generateCase(), async ([node, request]) => {
        const { left } = await run(node, request);
        const stays = (image: Image) =>
          request.dryRun || !isNamed(image, request.references) || isProtected(image, node, request);
        expect(left).toEqual(node.images.filter(stays));
      }),
      { numRuns: 500 },
    );
  });

  it('tells of each reference what became of its image (P12)', async () => {
    await fc.assert(
      fc.asyncProperty(generateCase(), async ([node, request]) => {
        const { left, outcomes } = await run(node, request);
        for (const [index, reference] of request.references.entries()) {
          const isNamesake = ({ id, names }: Image) => id === reference || names.includes(reference);
          const namesake = node.images.find(isNamesake);
          const { kind } = outcomes[index] ?? {};
          if (namesake === undefined) expect(kind).toBe('Absent');
          else if (node.used.has(namesake.id)) expect(kind).toBe('InUse');
          else expect(kind).toBe(left.some(isNamesake) ? 'Kept' : 'Removed');
        }
      }),
    );
  });
});

const junk = Array.from({ length: 60 }, (_, index) => buildImage(`registry.example.com/team/junk:${index}`));
const web = buildImage('registry.example.com/team/web:1');
const job = { removeReferences: [], images: { keepSideLoaded: true, minAge: '7d' } };

async function giveReferences({ jobFile }: Bench, references: readonly string[]): Promise<void> {
  await writeFile(join(dirname(jobFile), removeReferencesFile), packReferences(references));
}

const nameOf = (image: { readonly repoTags: readonly string[] }) => image.repoTags[0] ?? '';

describe('the cleaner with the references of its node', () => {
  it('removes what they name, keeps what is used, and tells of each (P12)', async () => {
    const twice = buildImage('registry.example.com/team/twice:1', {
      repoTags: ['registry.example.com/team/twice:1', 'registry.example.com/team/twice:2'],
    });
    const bench = await prepare({ images: [...junk, web, twice], containers: [buildContainer(web)] }, job);
    const references = [...junk.slice(0, 55).map(nameOf), nameOf(web), nameOf(twice), 'registry.example.com/absent:1'];
    await giveReferences(bench, references);
    const { exitCode, report } = await runClean(bench);

    expect(exitCode).toBe(0);
    expect(imagesLeft(bench)).toEqual([...junk.slice(55), web, twice].map(nameOf).toSorted());
    expect(report.references).toEqual({
      count: 58,
      indexes: { Removed: '0-54', InUse: '55', 'Kept:NotIncluded': '56', Absent: '57' },
    });
  });

  it('removes nothing for an empty list (P12)', async () => {
    const bench = await prepare({ images: junk }, job);
    await giveReferences(bench, []);
    const { exitCode, report } = await runClean(bench);
    expect({ exitCode, left: imagesLeft(bench).length }).toEqual({ exitCode: 0, left: 60 });
    expect(report).toMatchObject({ outcome: 'Succeeded', references: { count: 0, indexes: {} } });
  });

  it('removes nothing in a dry run, and says so of each reference', async () => {
    const bench = await prepare({ images: junk }, { ...job, dryRun: true });
    await giveReferences(bench, junk.map(nameOf));
    const { report } = await runClean(bench);
    expect(imagesLeft(bench)).toHaveLength(60);
    expect(report).toMatchObject({ outcome: 'DryRun', references: { count: 60, indexes: { 'Kept:DryRun': '0-59' } } });
  });

  it('tells failures, and fits into a termination message with 256 references (P12)', async () => {
    const many = Array.from({ length: 256 }, (_, index) => {
      const message = `read-only file system ${'no '.repeat(99)}`;
      const image = buildImage(`registry.example.com/team/many:${index}`);
      return index % 2 === 0 ? image : { ...image, removal: { kind: 'Fails', message } as const };
    });
    const bench = await prepare({ images: many }, job);
    await giveReferences(bench, many.map(nameOf));
    const { exitCode, report } = await runClean(bench);

    expect(exitCode).toBe(1);
    expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThanOrEqual(maxReportBytes);
    const outcomes = decodeOutcomes(report.references, 256);
    expect(outcomes.map(({ kind }) => kind)).toEqual(many.map((_, at) => (at % 2 === 0 ? 'Removed' : 'Failed')));
    expect(report.errors.length).toBeGreaterThan(3);
  });

  it.each<[what: string, write: (bench: Bench) => Promise<void>]>([
    ['is missing', async () => undefined],
    ['is empty', (bench) => writeFile(join(bench.directory, removeReferencesFile), '')],
    [
      'is cut off',
      (bench) =>
        writeFile(join(bench.directory, removeReferencesFile), packReferences(junk.map(nameOf)).subarray(0, 40)),
    ],
  ])('fails and removes nothing if their file %s (T1)', async (_, write) => {
    const bench = await prepare({ images: junk }, job);
    await write(bench);
    const { exitCode, report } = await runClean(bench);
    expect({ exitCode, left: imagesLeft(bench).length }).toEqual({ exitCode: 2, left: 60 });
    expect(report.errors[0]?.message).toMatch(
      /remove-references, with references of images to remove, can't be read: /,
    );
  });

  it('fails and removes nothing if there is the file, and the job of another release does not know it (T1)', async () => {
    const bench = await prepare({ images: junk }, { images: { minAge: '0s' } });
    await giveReferences(bench, junk.slice(0, 1).map(nameOf));
    const { exitCode, report } = await runClean(bench);
    expect({ exitCode, left: imagesLeft(bench).length }).toEqual({ exitCode: 2, left: 60 });
    expect(report.errors[0]?.message).toContain('but the job has no removeReferences, so nothing is removed');
  });

  it('says of an image why it stays', async () => {
    const bench = await prepare({ images: [web] }, job);
    await giveReferences(bench, ['registry.example.com/team/other:1']);
    expect(decisions(await runClean(bench))).toEqual({ [nameOf(web)]: 'keep NotIncluded' });
  });
});
