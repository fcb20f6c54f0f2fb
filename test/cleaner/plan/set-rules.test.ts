import { describe, expect, it } from 'vitest';
import { needsDisk } from '../../../cleaner/decide.ts';
import { createJudge } from '../../../cleaner/plan/judge.ts';
import { mayLoseAllNames } from '../../../cleaner/plan/keep-rules.ts';
import { limitShare } from '../../../cleaner/plan/max-percent-per-run.ts';
import { makePlan } from '../../../cleaner/plan/plan.ts';
import { countBySet } from '../../../cleaner/report/set-figures.ts';
import { compileSets } from '../../../cleaner/sets/policy-sets.ts';
import type { JobDocument } from '../../../contract/job.ts';
import {
  buildFacts,
  buildHistory,
  buildImage,
  buildInUse,
  buildInventory,
  buildJob,
  buildRemoval,
  type FactFields,
  now,
} from '../../helpers/inventory.ts';

const one = buildImage('docker.io/acme/one:1');
const two = buildImage('docker.io/acme/two:1');
const three = buildImage('docker.io/acme/three:1');
const images = [one, two, three];

/** Facts of a node, with the texts of image sets by name. */
function factsWith(fields: FactFields, texts: Readonly<Record<string, string>>) {
  const facts = buildFacts({ inventory: { images }, ...fields });
  const found = Object.entries(texts).map(([name, text]) => ({ name, texts: [{ key: 'list', text }] }));
  return { ...facts, sets: compileSets(facts.job, found, now) };
}

const idsOf = (all: readonly { readonly image: { readonly id: string } }[]) => all.map(({ image }) => image.id);

describe('images that a set of removeFrom names', () => {
  const removeFrom = { job: { images: { removeFrom: ['cve'] } } };

  it('go first, so that maxPerRun does not delay them (S4)', () => {
    const history = buildHistory({
      [one.id]: { firstSeen: 1 },
      [two.id]: { firstSeen: 2 },
      [three.id]: { firstSeen: 3 },
    });
    const { removals, maxRemovals } = makePlan(
      factsWith({ job: { images: { removeFrom: ['cve'], maxPerRun: 1 } }, history }, { cve: 'acme/three:1 # CVE-1' }),
    );
    expect(idsOf(removals)).toEqual([three.id, one.id, two.id]);
    expect(removals[0]?.cause).toEqual({ set: 'cve', message: 'image set cve: CVE-1' });
    expect(maxRemovals).toBe(1);
  });

  it('count for maxPercentPerRun: if more would go, nothing goes (S4)', () => {
    const facts = factsWith(
      { job: { images: { removeFrom: ['cve'], maxPercentPerRun: 50, minAge: '7d' } }, history: buildHistory() },
      { cve: 'docker.io/acme/**' },
    );
    expect(limitShare(makePlan(facts), facts)).toMatchObject({ removals: [], refusal: { reason: 'TooManyRemovals' } });
  });

  it('go without a measurement of the disk, and others do not (S4)', () => {
    const fields = { job: { images: { removeFrom: ['cve'] }, disk: { highPercent: 85, lowPercent: 80 } } };
    const facts = factsWith(fields, { cve: 'acme/two:1' });
    expect(needsDisk(facts.job, facts.sets)).toBe(false);
    expect(makePlan(facts).removals).toMatchObject([{ image: two, always: true }]);
    const unreadable = factsWith(fields, {});
    expect(needsDisk(unreadable.job, unreadable.sets)).toBe(true);
  });

  it('stay if they were used, pulled or named since the run began (S4)', () => {
    const facts = factsWith(removeFrom, { cve: '**' });
    const look = (fields: Parameters<typeof buildInventory>[0]) => buildInventory({ images, ...fields });
    const judgeOn = createJudge(facts, images);
    expect(images.map((image) => judgeOn(look({}))(image))).toEqual([undefined, undefined, undefined]);
    judgeOn(look({ inUse: buildInUse(one), images: [one, three] }));
    const named = { ...three, names: [...three.names, 'docker.io/acme/three:2'] };
    const judge = judgeOn(look({ images: [one, two, named] }));
    expect(judge(one)).toMatchObject({ reason: 'RecentlyUsed', message: 'used since this run began' });
    expect(judge(two)).toMatchObject({ reason: 'TooYoung', message: expect.stringContaining('pulled since') });
    expect(judge(named)).toMatchObject({ reason: 'TooYoung', message: expect.stringContaining('named docker.io') });
  });
});

describe('an image with several tags may lose them one by one', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const twice = buildImage(['docker.io/acme/app:1', 'docker.io/acme/app:2', `docker.io/acme/app@${digest}`]);
  const mayLose = (fields: NonNullable<JobDocument['images']>, texts: Readonly<Record<string, string>>) =>
    mayLoseAllNames(factsWith({ job: { images: fields } }, texts))(twice);

  it.each([
    ['all tags are named', 'acme/app:1\nacme/app:2', true],
    ['one of two tags is named', 'acme/app:1', false],
    ['the digest is named', digest, true],
    ['the ID is named', twice.id, true],
  ])('if a set of includeFrom names it: %s (S2, T12)', (_which, text, expected) => {
    expect(mayLose({ includeFrom: ['cve'] }, { cve: text })).toBe(expected);
  });

  it('unless a set of excludeFrom names one, or can not be read (S3, T12)', () => {
    expect(mayLose({ excludeFrom: ['frozen'] }, { frozen: 'acme/tool:1' })).toBe(true);
    expect(mayLose({ excludeFrom: ['frozen'] }, { frozen: 'acme/app:2' })).toBe(false);
    expect(mayLose({ excludeFrom: ['frozen'] }, {})).toBe(false);
  });
});

it('a report has the figures of the sets with the most images, and is not too large for others (S7)', () => {
  const kept = Array.from({ length: 48 }, (_, index) => ({
    image: one,
    reason: 'Excluded' as const,
    message: '',
    set: `${'a'.repeat(150)}${index}`,
  }));
  const removal = buildRemoval(two, { cause: { set: 'cve', message: 'image set cve: CVE-1' } });
  const results = Array.from({ length: 3 }, () => ({ removal, outcome: { kind: 'removed' } as const }));
  const { sets = {} } = countBySet(kept, results);
  expect(sets.cve).toEqual({ removed: 3, kept: 0 });
  expect(JSON.stringify(sets).length).toBeLessThanOrEqual(600);
  expect(countBySet([], [])).toEqual({});
});

it('a job of the scheduler knows the times of sets only from the scheduler (S6)', () => {
  const found = [{ name: 'frozen', texts: [{ key: 'list', text: '' }], updatedAt: now }];
  const fields = { images: { excludeFrom: ['frozen'], maxSetAge: '1d' } };
  const problemOf = (job: Partial<JobDocument>) =>
    compileSets(buildJob({ ...fields, ...job }), found, now).excludeFrom[0]?.problem;
  expect(problemOf({})).toBeUndefined();
  expect(problemOf({ setTimes: {} })).toMatch(/^its age is unknown, and images.maxSetAge is 1d/);
});
