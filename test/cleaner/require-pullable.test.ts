import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makePlan } from '../../cleaner/plan/plan.ts';
import { packVerdicts, pullVerdictsFile } from '../../contract/pull-verdicts.ts';
import { imagesIn } from '../../scheduler/cleanup/candidates.ts';
import { buildImage as buildNodeImage } from '../fixtures/simulated/node.ts';
import { imagesLeft, runClean } from '../helpers/clean.ts';
import { buildFacts, buildImage } from '../helpers/inventory.ts';
import { prepare } from '../helpers/node-to-clean.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const nameOf = (letter: string, repository = 'docker.io/acme/app') => `${repository}@${digest(letter)}`;
const letters = ['a', 'b', 'c', 'd'] as const;
const repositories = ['docker.io/acme/app', 'ghcr.io/acme/app', 'registry.example:5000/app'] as const;
const anyName = fc.tuple(fc.constantFrom(...repositories), fc.constantFrom(...letters));
const anyDigest = anyName.map(([repository, letter]) => nameOf(letter, repository));
const anyImageName = fc.oneof(
  anyDigest,
  anyDigest.map((name) => name.replace('@', ':1@')),
  anyName.map(([repository, letter]) => `${repository}:${letter}`),
);

describe('an image', () => {
  it('goes only if a registry has one of its digests, whatever else is known (S12)', () => {
    const images = fc.array(fc.uniqueArray(anyImageName, { maxLength: 4 }), { maxLength: 8 });
    const answers = fc.record({ pullable: fc.array(anyDigest), absent: fc.array(anyDigest) });
    fc.assert(
      fc.property(images, fc.option(answers, { nil: undefined }), (allNames, found) => {
        const inventory = { images: allNames.map((names, index) => buildImage(names, { id: digest(`${index}`) })) };
        const verdicts = found && { ...found, unanswered: {} };
        const job = { images: { requirePullable: true }, ...(verdicts && { pullVerdicts: verdicts }) };
        const plan = makePlan(buildFacts({ job, inventory }));
        for (const { image } of plan.removals)
          expect(image.names.some((name) => found?.pullable.includes(name.replace(/:1@/, '@')))).toBe(true);
        for (const { image, reason } of plan.kept) {
          const digests = image.names.filter((name) => name.includes('@')).map((name) => name.replace(/:1@/, '@'));
          expect(digests.some((name) => found?.pullable.includes(name))).toBe(false);
          const isAbsent = digests.length > 0 && digests.every((name) => found?.absent.includes(name));
          expect(reason).toBe(isAbsent ? 'NotPullable' : 'RegistryUnknown');
        }
      }),
    );
  });

  const app = buildImage(['docker.io/acme/app:1', nameOf('a')]);
  const messageFor = (pullVerdicts?: object) => {
    const job = { images: { requirePullable: true }, ...(pullVerdicts && { pullVerdicts }) } as object;
    return makePlan(buildFacts({ job, inventory: { images: [app] } })).kept[0]?.message;
  };

  it.each([
    ['only the scheduler asks the registry, when it runs the policy', undefined],
    [`its registry does not have it any more (${nameOf('a')})`, { absent: [nameOf('a')] }],
    ['no answer about it from the registry docker.io: 503', { unanswered: { 'docker.io': '503' } }],
    ['the log of pod x is gone', { note: 'the log of pod x is gone' }],
    [`no registry was asked about it (${nameOf('a')})`, {}],
  ])('is kept with the cause: %s (S12)', (message, verdicts) => {
    expect(messageFor(verdicts && { pullable: [], absent: [], unanswered: {}, ...verdicts })).toBe(message);
  });

  it('of which nobody requires it goes as before (S12)', () => {
    const pullVerdicts = { pullable: [], absent: [nameOf('a')], unanswered: {} };
    const plan = makePlan(buildFacts({ job: { pullVerdicts }, inventory: { images: [app] } }));
    expect(plan.removals).toHaveLength(1);
  });
});

describe('a cleaner', () => {
  const images = letters.map((letter) =>
    buildNodeImage(`docker.io/acme/${letter}:1`, { repoDigests: [nameOf(letter, `docker.io/acme/${letter}`)] }),
  );
  const policy = { images: { requirePullable: true, maxPerRun: 1, exclude: ['**/d:*'] } };

  it('lists all images that may go, without the limits of a run, and removes none (S12)', async () => {
    const bench = await prepare({ images }, policy);
    const { report, exitCode, events } = await runClean(bench, ['--candidates']);
    expect([exitCode, report.outcome, report.candidates]).toEqual([0, 'DryRun', 3]);
    expect(imagesLeft(bench)).toHaveLength(4);
    const log = events.map((event) => JSON.stringify(event)).join('\n');
    expect([...imagesIn(log).candidates.values()].flat().toSorted()).toEqual(
      ['a', 'b', 'c'].map((letter) => nameOf(letter, `docker.io/acme/${letter}`)),
    );
  });

  it('removes what the answers of its pod say, and counts only that for the limits (S12)', async () => {
    const bench = await prepare({ images }, policy);
    const pullable = [nameOf('c', 'docker.io/acme/c')];
    const verdicts = { pullable, absent: [nameOf('a', 'docker.io/acme/a')], unanswered: { 'docker.io': 'it is down' } };
    await writeFile(join(dirname(bench.jobFile), pullVerdictsFile), packVerdicts(verdicts));
    const { report, images: lines } = await runClean(bench);
    expect(imagesLeft(bench)).toEqual(['docker.io/acme/a:1', 'docker.io/acme/b:1', 'docker.io/acme/d:1']);
    expect(report.keptByReason).toMatchObject({ NotPullable: { images: 1 }, RegistryUnknown: { images: 1 } });
    expect(lines.find(({ names }) => names.includes('docker.io/acme/b:1'))?.message).toContain('it is down');
  });

  it('keeps everything without answers, and attempts nothing with damaged ones (S12)', async () => {
    const bench = await prepare({ images }, policy);
    const { report } = await runClean(bench);
    expect(report).toMatchObject({ outcome: 'Succeeded', keptByReason: { RegistryUnknown: { images: 3 } } });
    await writeFile(join(dirname(bench.jobFile), pullVerdictsFile), 'damaged');
    const damaged = await runClean(bench);
    expect([damaged.exitCode, damaged.report.errors[0]?.message]).toEqual([
      2,
      expect.stringContaining('pull-verdicts, with the answers of registries, can'),
    ]);
    expect(imagesLeft(bench)).toHaveLength(4);
  });
});
