import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makePlan } from '../../cleaner/plan/plan.ts';
import { packVerdicts, pullVerdictsFile } from '../../contract/pull-verdicts.ts';
import { buildImage as buildNodeImage } from '../fixtures/simulated/node.ts';
import { imagesLeft, runClean } from '../helpers/clean.ts';
import { buildFacts, buildImage, now } from '../helpers/inventory.ts';
import { prepare } from '../helpers/node-to-clean.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const nameOf = (letter: string) => `docker.io/acme/app@${digest(letter)}`;
const letters = ['a', 'b', 'c', 'd'] as const;
const someLetters = fc.subarray([...letters]);
const iso = (ms: number) => new Date(ms).toISOString();

describe('an image', () => {
  it('goes only if a registry has it, or if the scheduler has said in time that another node keeps it (S12)', () => {
    const copies = fc.record({
      spared: someLetters.map((list) => list.map(digest)),
      until: fc.constantFrom(iso(now), iso(now + 1), iso(now - 1), 'no time', ''),
    });
    const verdicts = fc.record(
      {
        pullable: someLetters.map((list) => list.map(nameOf)),
        absent: fc.constant<string[]>([]),
        unanswered: fc.constant({}),
        copies,
      },
      { requiredKeys: ['pullable', 'absent', 'unanswered'] },
    );
    fc.assert(
      fc.property(someLetters, fc.option(verdicts, { nil: undefined }), (there, pullVerdicts) => {
        const images = there.map((letter) => buildImage([nameOf(letter)], { id: digest(letter) }));
        const job = { images: { keepLastCopy: true }, ...(pullVerdicts && { pullVerdicts }) };
        const plan = makePlan(buildFacts({ job, inventory: { images } }));
        const { spared = [], until = '' } = pullVerdicts?.copies ?? {};
        const mayGo = (letter: string) =>
          pullVerdicts?.pullable.includes(nameOf(letter)) === true ||
          (spared.includes(digest(letter)) && Date.parse(until) >= now);
        const gone = plan.removals.map(({ image }) => image.id).toSorted();
        expect(gone).toEqual(there.filter(mayGo).map(digest).toSorted());
        for (const { reason } of plan.kept) expect(reason).toBe('LastCopy');
      }),
    );
  });

  const app = buildImage([nameOf('a')], { id: digest('a') });
  const messageFor = (pullVerdicts?: object) => {
    const job = { images: { keepLastCopy: true }, ...(pullVerdicts && { pullVerdicts }) } as object;
    return makePlan(buildFacts({ job, inventory: { images: [app] } })).kept[0]?.message;
  };

  it.each([
    [
      'only the scheduler asks the registry, when it runs the policy, and no other node is known to keep a copy',
      undefined,
    ],
    [
      `its registry does not have it any more (${nameOf('a')}), and no other node is known to keep a copy`,
      { absent: [nameOf('a')] },
    ],
    [
      `no answer about it from the registry docker.io: 503, and no other node is known to keep a copy`,
      { unanswered: { 'docker.io': '503' } },
    ],
    [
      `its registry does not have it any more (${nameOf('a')}), and the answer about other nodes was valid until ${iso(now - 1)}: look at the clock of the node`,
      { absent: [nameOf('a')], copies: { spared: [digest('a')], until: iso(now - 1) } },
    ],
    [
      `its registry does not have it any more (${nameOf('a')}), and the scheduler does not know yet`,
      { absent: [nameOf('a')], copies: { spared: [], until: iso(now), note: 'the scheduler does not know yet' } },
    ],
  ])('is kept with the cause: %s (S12)', (message, verdicts) => {
    expect(messageFor(verdicts && { pullable: [], absent: [], unanswered: {}, ...verdicts })).toBe(message);
  });

  it('shows the reason of requirePullable before, which spares no copy (S12)', () => {
    const pullVerdicts = {
      pullable: [],
      absent: [nameOf('a')],
      unanswered: {},
      copies: { spared: [digest('a')], until: iso(now + 1) },
    };
    const job = { images: { keepLastCopy: true, requirePullable: true }, pullVerdicts };
    const plan = makePlan(buildFacts({ job, inventory: { images: [app] } }));
    expect(plan.kept.map(({ reason }) => reason)).toEqual(['NotPullable']);
  });
});

describe('a cleaner', () => {
  const images = letters.map((letter) =>
    buildNodeImage(`docker.io/acme/${letter}:1`, { repoDigests: [`docker.io/acme/${letter}@${digest(letter)}`] }),
  );
  const policy = { images: { keepLastCopy: true, exclude: ['**/d:*'] } };

  it('lists the images that may go whatever is known of them, and names all others in its log too (S12)', async () => {
    const bench = await prepare({ images }, policy);
    const { report, images: lines } = await runClean(bench, ['--candidates']);
    expect([report.outcome, report.candidates]).toEqual(['DryRun', 3]);
    expect(lines.map(({ names }) => names.find((name) => name.endsWith(':1'))).toSorted()).toEqual(
      letters.map((letter) => `docker.io/acme/${letter}:1`),
    );
  });

  it('removes what a registry has and what another node keeps, and keeps the rest as LastCopy (S12)', async () => {
    const bench = await prepare({ images }, policy);
    const { images: lines } = await runClean(bench, ['--candidates']);
    const id = lines.find(({ names }) => names.includes('docker.io/acme/b:1'))?.id ?? '';
    const verdicts = {
      pullable: [`docker.io/acme/a@${digest('a')}`],
      absent: [],
      unanswered: {},
      copies: { spared: [id], until: iso(Date.now() + 3_600_000) },
    };
    await writeFile(join(dirname(bench.jobFile), pullVerdictsFile), packVerdicts(verdicts));
    const { report } = await runClean(bench);
    expect(imagesLeft(bench)).toEqual(['docker.io/acme/c:1', 'docker.io/acme/d:1']);
    expect(report.keptByReason).toMatchObject({ LastCopy: { images: 1 }, Excluded: { images: 1 } });
  });
});
