import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../../cleaner/decide.ts';
import { makePlan } from '../../../cleaner/plan/plan.ts';
import { buildReport } from '../../../cleaner/report/build.ts';
import { createUsageReader } from '../../../cleaner/runtime/inventory.ts';
import type { Image } from '../../../cleaner/runtime/runtime.ts';
import { compileSets } from '../../../cleaner/sets/policy-sets.ts';
import { sweep } from '../../../cleaner/sweep.ts';
import type { DiskUsage } from '../../../contract/disk-usage.ts';
import type { Job, JobDocument } from '../../../contract/job.ts';
import { exitCodeOf } from '../../../contract/report.ts';
import { type GeneratedNode, generateNode, startRuntime, tags } from '../../helpers/generated-node.ts';
import {
  type GeneratedSet,
  generateSets,
  isNamedBy,
  isReadable,
  maxSetAge,
  setNames,
  timesOf,
  toFound,
} from '../../helpers/generated-sets.ts';
import { buildJob, buildRunHistory, now } from '../../helpers/inventory.ts';

const own = 'registry.example.com:5000/team/app:2';

type ImageFields = NonNullable<JobDocument['images']>;
type Case = {
  readonly node: GeneratedNode;
  readonly sets: readonly GeneratedSet[];
  readonly images: ImageFields;
  readonly disk: JobDocument['disk'];
  /** Undefined if the disk can't be measured. */
  readonly usedPercent: number | undefined;
  readonly references: Pick<JobDocument, 'startingReferences' | 'prepulledReferences' | 'workloadReferences'>;
};

const names = fc.subarray([...setNames], { maxLength: 2 });
const few = fc.subarray([...tags], { maxLength: 1 });

const imageFields: fc.Arbitrary<ImageFields> = fc.record(
  {
    include: fc.constantFrom(['**'], ['**'], ['**'], ['docker.io/**'], ['**:1']),
    exclude: fc.constantFrom<string[]>([], ['**/base'], ['**/web:1', '**/app']),
    minAge: fc.constantFrom('0s', '2m', '7d'),
    maxUnusedAge: fc.constantFrom('3d', '60d'),
    keepNewestPerRepository: fc.constantFrom(0, 0, 0, 1),
    keepSideLoaded: fc.boolean(),
    protectWorkloads: fc.boolean(),
    maxPerRun: fc.integer({ min: 1, max: 4 }),
    excludeFrom: names,
    includeFrom: names,
    removeFrom: names,
  },
  { requiredKeys: ['minAge', 'keepSideLoaded', 'removeFrom'] },
);

const cases: fc.Arbitrary<Case> = generateNode().chain((node) =>
  fc.record({
    node: fc.constant(node),
    sets: generateSets(node.images),
    images: imageFields,
    disk: fc.option(fc.constant({ highPercent: 80, lowPercent: 60 }), { nil: undefined }),
    usedPercent: fc.option(fc.integer({ min: 1, max: 99 }), { nil: undefined, freq: 4 }),
    references: fc.record({ startingReferences: few, prepulledReferences: few, workloadReferences: few }),
  }),
);

/** The job of a case, in which the sets have the ages that they have. */
function jobOf({ images, disk, sets, references }: Case, fields: ImageFields = images): Job {
  return buildJob({
    ...references,
    setTimes: timesOf(sets),
    images: { ...fields, maxSetAge },
    ...(disk && { disk }),
  });
}

const capacityBytes = 5_000;

/** The usage of the disk when images of so many bytes are gone. */
function measured({ usedPercent }: Case, goneBytes = 0): DiskUsage | undefined {
  if (usedPercent === undefined) return undefined;
  const usedBytes = Math.max(0, (usedPercent / 100) * capacityBytes - goneBytes);
  return { capacityBytes, usedBytes, availableBytes: capacityBytes - usedBytes };
}

function sizeOf(images: readonly Image[]): number {
  return images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** The IDs of the images that the cleaner removes, and its report. */
async function clean(drawn: Case, fields?: ImageFields) {
  const { node, sets } = drawn;
  const runtime = startRuntime(node);
  const job = jobOf(drawn, fields);
  const measure = () => measured(drawn, sizeOf(node.images) - sizeOf(runtime.images));
  let nowMs = 0;
  const run = sweep(
    job,
    {
      runtime,
      readUsage: createUsageReader(runtime, undefined),
      sets: compileSets(job, toFound(sets), now),
      node: {
        ownReferences: [own],
        measureDisk: async () => measure() ?? Promise.reject(new Error('no filesystem')),
        openHistory: () => buildRunHistory(node.history),
        monotonicMs: () => nowMs,
        throttle: async () => false,
        sleep: async (ms) => {
          nowMs += ms;
        },
      },
      onImage: () => undefined,
    },
    new AbortController().signal,
  );
  // Without a measurement, a policy that needs one does nothing.
  const report = await run.then((findings) => buildReport(findings, 0)).catch(() => undefined);
  return { report, removed: new Set(runtime.requests.flat()) };
}

/** The images that could be removed by a plan, without the limits on their number. */
async function planCandidates({ node, sets, ...drawn }: Case, job: Job): Promise<ReadonlySet<string>> {
  const runtime = startRuntime(node);
  const { facts, rules } = await decide(job, {
    runtime,
    readUsage: createUsageReader(runtime, undefined),
    sets: compileSets(job, toFound(sets), now),
    ownReferences: [own],
    history: buildRunHistory(node.history),
    measureDisk: async () => measured({ node, sets, ...drawn }),
  });
  return new Set(makePlan(facts, rules).removals.map(({ image }) => image.id));
}

const noSets = { includeFrom: [], excludeFrom: [], removeFrom: [] };
const noAge = { minAge: '0s', maxUnusedAge: undefined };

const setsOf = ({ sets }: Case, of: readonly string[] = []) => sets.filter(({ name }) => of.includes(name));
const isNamed = (drawn: Case, of: readonly string[] | undefined, image: Image, protects = false) =>
  setsOf(drawn, of).some((set) => isNamedBy(set, image, protects));

/** True if a set that excludes can't be read, or none of those that include. */
function isBlocked(drawn: Case, { excludeFrom = [], includeFrom = [] } = drawn.images): boolean {
  const including = setsOf(drawn, includeFrom);
  return !setsOf(drawn, excludeFrom).every(isReadable) || (including.length > 0 && !including.some(isReadable));
}

/** The meaning of each glob of `exclude` above. */
const excludedBy: Readonly<Record<string, RegExp>> = {
  '**/base': /\/base[:@]/,
  '**/web:1': /\/web:1$/,
  '**/app': /\/app[:@]/,
};

/** The reasons, told from the node alone, for which an image must stay whatever the sets name. */
function protectionsOf({ node, references, images }: Case, { id, names, pinned }: Image): readonly string[] {
  const listed = (of: readonly string[] = []) => names.some((name) => of.includes(name));
  const isSideLoaded = names.length > 0 && !names.some((name) => name.includes('@'));
  const protections = {
    used: node.used.has(id),
    pinned: pinned || names.some((name) => name.includes('/pause:')),
    'stood on': names.some((name) => name === node.sandboxImage),
    'of the cleaner': names.includes(own),
    starting: listed(references.startingReferences),
    prepulled: listed(references.prepulledReferences),
    'of a workload': images.protectWorkloads === true && listed(references.workloadReferences),
    'side-loaded': images.keepSideLoaded === true && isSideLoaded,
    excluded: names.some((name) => images.exclude?.some((glob) => excludedBy[glob]?.test(name))),
  };
  return Object.entries(protections).flatMap(([protection, holds]) => (holds ? [protection] : []));
}

const imageOf = ({ node }: Case, id: string) => node.images.find((image) => image.id === id);

/** Runs the cleaner on any node, with any policy and any sets. */
function onAnyCase(check: (drawn: Case) => Promise<void>, numRuns = 300): Promise<void> {
  return fc.assert(fc.asyncProperty(cases, check), { numRuns });
}

describe('with any image sets, on any node, by any policy', () => {
  it('no image goes that is used, pinned, starting, listed, side-loaded, or excluded, whatever the sets name (S4, S5)', () =>
    onAnyCase(async (drawn) => {
      // A later look could keep what the plan should not have.
      const [{ removed }, planned] = await Promise.all([clean(drawn), planCandidates(drawn, jobOf(drawn))]);
      for (const image of drawn.node.images.filter(({ id }) => removed.has(id) || planned.has(id)))
        expect(protectionsOf(drawn, image), image.names.join()).toEqual([]);
    }));

  it('no image goes that a rule other than those of age and disk usage would keep without the sets (S5)', () =>
    onAnyCase(async (drawn) => {
      const { removed } = await clean(drawn);
      const job = jobOf({ ...drawn, disk: undefined }, { ...drawn.images, ...noSets, ...noAge });
      const allowed = await planCandidates(drawn, job);
      expect([...removed].filter((id) => !allowed.has(id))).toEqual([]);
    }));

  it('an image that the policy would keep without the sets goes only if a set of removeFrom names it (S4, S5)', () =>
    onAnyCase(async (drawn) => {
      const { removed } = await clean(drawn);
      const without = await planCandidates(drawn, jobOf(drawn, { ...drawn.images, ...noSets }));
      const others = [...removed].filter((id) => !without.has(id)).map((id) => imageOf(drawn, id));
      for (const image of others)
        expect(image && isNamed(drawn, drawn.images.removeFrom, image), image?.names.join()).toBe(true);
    }));

  it('no image goes that a set of excludeFrom names, or that no set of includeFrom names (S2, S3)', () =>
    onAnyCase(async (drawn) => {
      const { removed } = await clean(drawn);
      const { excludeFrom, includeFrom = [] } = drawn.images;
      for (const image of drawn.node.images.filter(({ id }) => removed.has(id))) {
        expect(isNamed(drawn, excludeFrom, image, true), image.names.join()).toBe(false);
        if (includeFrom.length > 0) expect(isNamed(drawn, includeFrom, image), image.names.join()).toBe(true);
      }
    }));

  it('nothing goes while a set of excludeFrom, or every set of includeFrom, is missing, broken or of a wrong age, and the run fails (S2, S3)', () =>
    onAnyCase(async (drawn) => {
      const { removed, report } = await clean(drawn);
      if (!isBlocked(drawn)) return;
      expect(removed.size).toBe(0);
      if (report === undefined) return;
      expect(report).toMatchObject({
        outcome: 'Failed',
        errors: [{ reason: 'ImageSetUnreadable' }, ...report.errors.slice(1)],
      });
      expect(exitCodeOf(report)).toBe(2);
    }));

  it('what a set of removeFrom names goes, unless another rule keeps it (S4)', () =>
    onAnyCase(async (drawn) => {
      const { maxPerRun: _, ...images } = drawn.images;
      const { removed } = await clean({ ...drawn, images });
      if (isBlocked(drawn)) return;
      const { excludeFrom, includeFrom = [], removeFrom } = images;
      const job = jobOf({ ...drawn, disk: undefined }, { ...images, ...noSets, ...noAge });
      const allowed = await planCandidates(drawn, job);
      const called = drawn.node.images.filter(
        (image) =>
          allowed.has(image.id) &&
          isNamed(drawn, removeFrom, image) &&
          !isNamed(drawn, excludeFrom, image, true) &&
          (includeFrom.length === 0 || isNamed(drawn, includeFrom, image)),
      );
      expect(called.filter(({ id }) => !removed.has(id)).map((image) => image.names)).toEqual([]);
    }));

  it('one more set to exclude, or one less to remove, never makes another image a candidate (S3, S4)', () =>
    onAnyCase(async (drawn) => {
      const { excludeFrom = [], removeFrom = [] } = drawn.images;
      const before = await planCandidates(drawn, jobOf(drawn));
      const changes: readonly ImageFields[] = [
        ...setNames.map((name) => ({ excludeFrom: [...new Set([...excludeFrom, name])] })),
        { removeFrom: removeFrom.slice(1) },
      ];
      for (const change of changes) {
        const after = await planCandidates(drawn, jobOf(drawn, { ...drawn.images, ...change }));
        expect([...after].filter((id) => !before.has(id))).toEqual([]);
      }
    }, 150));

  it('more lines in a set that excludes never make another image a candidate (S3)', () =>
    onAnyCase(async (drawn) => {
      const images = { ...drawn.images, excludeFrom: ['one'], includeFrom: [], removeFrom: ['two'] };
      const [one, ...others] = drawn.sets;
      if (one === undefined) return;
      const shorter = { ...drawn, images, sets: [{ ...one, lines: one.lines.slice(1) }, ...others] };
      const before = await planCandidates(shorter, jobOf(shorter));
      const after = await planCandidates({ ...drawn, images }, jobOf({ ...drawn, images }));
      expect([...after].filter((id) => !before.has(id))).toEqual([]);
    }, 150));

  it('the report tells of each set that can not be read, and of lines that name nothing (S1, S3)', () =>
    onAnyCase(async (drawn) => {
      const { report } = await clean(drawn);
      if (report === undefined || report.omitted > 0) return;
      const { includeFrom = [], excludeFrom = [], removeFrom = [] } = drawn.images;
      const text = report.errors.map(({ reason, message }) => `${reason}: ${message}`).join('\n');
      for (const set of setsOf(drawn, [...includeFrom, ...excludeFrom, ...removeFrom])) {
        expect(text.includes(`image set ${set.name} can't be read`), set.name).toBe(!isReadable(set));
        const hasMistake = set.lines.some(({ text: line }) => /^Not:|^sha256:12$|web:1 docker/.test(line));
        if (isReadable(set)) expect(text.includes(`LineInvalid: image set ${set.name}, key list-`)).toBe(hasMistake);
      }
    }, 150));
});
