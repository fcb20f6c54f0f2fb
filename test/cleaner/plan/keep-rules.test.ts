import { describe, expect, it } from 'vitest';
import { judgeImage, type Verdict } from '../../../cleaner/plan/judge.ts';
import { makeKeepRules, mayLoseAllNames } from '../../../cleaner/plan/keep-rules.ts';
import { couldRemove, makePlan } from '../../../cleaner/plan/plan.ts';
import { jobSchema } from '../../../contract/job.ts';
import {
  buildFacts,
  buildHistory,
  buildImage,
  buildInUse,
  dayMs,
  type FactFields,
  now,
} from '../../helpers/inventory.ts';

const app = buildImage('docker.io/acme/app:1');
const base = buildImage('docker.io/acme/app:2');

/** The verdict of a rule on the image `app`. */
function verdictOf(rule: Verdict['rule'], { inventory, ...fields }: FactFields, image = app): string {
  const facts = buildFacts({ ...fields, inventory: { images: [app, base], ...inventory } });
  const verdict = judgeImage(makeKeepRules(facts), image).find((one) => one.rule === rule);
  return `${verdict?.keeps ? 'keeps' : 'lets go'}: ${verdict?.message}`;
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `default/web-${index}/main`);
const usedBy = (count: number) => ({ inventory: { inUse: new Map([[app.id, names(count)]]) } });
const seen = (firstSeen: number, lastUsed?: number) => ({
  history: buildHistory({ [app.id]: { firstSeen, ...(lastUsed !== undefined && { lastUsed }) } }),
});
const disk = (percent: number) => ({
  diskUsage: { capacityBytes: 1_000, usedBytes: percent * 10, availableBytes: 1_000 - percent * 10 },
});
const thresholds = { disk: { highPercent: 85, lowPercent: 70 } };
const byName = ['docker.io/acme/app:1'];

describe('of an image, the rule', () => {
  it.each<[rule: Verdict['rule'], says: string, facts: FactFields]>([
    ['InUse', 'lets go: no container refers to it', {}],
    ['InUse', 'keeps: used by default/web-0/main', usedBy(1)],
    ['InUse', 'keeps: used by default/web-0/main, default/web-1/main, default/web-2/main', usedBy(3)],
    ['InUse', 'keeps: used by default/web-0/main, default/web-1/main, default/web-2/main and 2 more', usedBy(5)],
    ['Pinned', 'lets go: neither pinned nor a pause image', {}],
    ['Pinned', 'keeps: the image of pod sandboxes', { inventory: { sandboxReferences: ['acme/app:1'] } }],
    ['OwnImage', 'lets go: not of the cleaner itself', {}],
    ['OwnImage', 'keeps: the image of the cleaner itself', { ownReferences: byName }],
    ['Starting', 'lets go: not of a pod bound to this node', {}],
    ['Starting', 'keeps: the image of a pod bound to this node', { job: { startingReferences: byName } }],
    ['ReferencedByWorkload', 'lets go: not of a workload in the cluster', { job: { workloadReferences: byName } }],
    [
      'ReferencedByWorkload',
      'keeps: the image of a workload in the cluster',
      { job: { images: { protectWorkloads: true }, workloadReferences: byName } },
    ],
    ['Prepulled', 'lets go: not kept here by a pre-pull policy', {}],
    ['Prepulled', 'keeps: the image kept here by a pre-pull policy', { job: { prepulledReferences: byName } }],
    ['SideLoaded', 'lets go: images.keepSideLoaded is false', {}],
    [
      'SideLoaded',
      "keeps: it has no repository digest: it was not pulled from a registry, and can't be pulled again",
      { job: { images: { keepSideLoaded: true } } },
    ],
    ['NotIncluded', 'lets go: matches images.include (**)', {}],
    [
      'NotIncluded',
      'keeps: no name matches images.include (quay.io/**, **/tool)',
      { job: { images: { include: ['quay.io/**', '**/tool'] } } },
    ],
    ['Excluded', 'lets go: images.exclude is empty', {}],
    [
      'Excluded',
      'lets go: no name matches images.exclude (quay.io/**, **/tool)',
      { job: { images: { exclude: ['quay.io/**', '**/tool'] } } },
    ],
    ['Excluded', 'keeps: a name matches images.exclude (**/app)', { job: { images: { exclude: ['**/app'] } } }],
    ['TooYoung', 'lets go: older than minAge (1d)', { job: { images: { minAge: '1d' } }, ...seen(now - dayMs) }],
    [
      'TooYoung',
      'keeps: first seen 23h 59m ago, minAge is 1d',
      { job: { images: { minAge: '1d' } }, ...seen(now - dayMs + 60_000) },
    ],
    ['TooYoung', 'keeps: first seen 1m ago, minAge is 2m', { history: { ...buildHistory(), lookedAt: now - 60_000 } }],
    ['RecentlyUsed', 'lets go: not used within minAge (2m)', seen(0, now - dayMs)],
    ['RecentlyUsed', 'keeps: used 1m 59s ago, minAge is 2m', seen(0, now - 119_000)],
    [
      'RecentlyUsed',
      'lets go: unused for longer than maxUnusedAge (3d)',
      { job: { images: { maxUnusedAge: '3d' } }, ...seen(0, now - 4 * dayMs) },
    ],
    [
      'RecentlyUsed',
      'keeps: unused for 2d, maxUnusedAge is 3d',
      { job: { images: { maxUnusedAge: '3d' } }, ...seen(0, now - 2 * dayMs) },
    ],
    [
      'RecentlyUsed',
      'keeps: unused for 3d, maxUnusedAge is 3d',
      { job: { images: { maxUnusedAge: '3d' } }, ...seen(0, now - 3 * dayMs) },
    ],
    ['NewestInRepository', 'lets go: keepNewestPerRepository is 0', {}],
    [
      'NewestInRepository',
      'lets go: not among the 1 newest of its repositories',
      {
        job: { images: { keepNewestPerRepository: 1 } },
        inventory: {
          details: new Map([
            [app.id, { id: app.id, builtAt: 1 }],
            [base.id, { id: base.id, builtAt: 2 }],
          ]),
        },
      },
    ],
    [
      'NewestInRepository',
      'keeps: among the 2 newest of its repository',
      { job: { images: { keepNewestPerRepository: 2 } } },
    ],
    ['BelowThreshold', 'lets go: the policy has no disk thresholds', disk(10)],
    ['BelowThreshold', 'keeps: disk usage is 84.9 %, below highPercent (85 %)', { job: thresholds, ...disk(84.9) }],
    ['BelowThreshold', 'lets go: disk usage is 85.0 %, not below highPercent (85 %)', { job: thresholds, ...disk(85) }],
    ['BelowThreshold', 'keeps: disk usage is unknown, below highPercent (85 %)', { job: thresholds }],
    [
      'BelowThreshold',
      'lets go: unused for longer than maxUnusedAge, so disk usage does not matter',
      { job: { ...thresholds, images: { maxUnusedAge: '3d' } }, ...disk(10), ...seen(0, now - 4 * dayMs) },
    ],
  ])('%s %s', (rule, says, facts) => {
    expect(verdictOf(rule, facts)).toBe(says);
  });

  it.each([
    ['keeps: pinned in the runtime', buildImage('acme/app:3', { pinned: true })],
    [
      'keeps: a pause image, by its name docker.io/rancher/mirrored-pause:3.6',
      buildImage('rancher/mirrored-pause:3.6'),
    ],
    ['lets go: neither pinned nor a pause image', buildImage('acme/pause-button:1')],
    ['lets go: neither pinned nor a pause image', buildImage('acme/menopause:1')],
  ])('Pinned %s', (says, image) => {
    expect(verdictOf('Pinned', { inventory: { images: [image] } }, image)).toBe(says);
  });
});

describe('by default (H8)', () => {
  const digest = `@sha256:${'ab'.repeat(32)}`;

  it.each<[fate: string, what: string, names: readonly string[]]>([
    ['stays', 'a tag alone', ['localhost/report:1']],
    ['stays', 'several tags alone', ['localhost/report:1', 'docker.io/acme/report:1']],
    ['goes', 'a tag and a digest', ['docker.io/acme/report:1', `docker.io/acme/report${digest}`]],
    ['goes', 'a digest alone', [`docker.io/acme/report${digest}`]],
    ['goes', 'no name', []],
  ])('an image %s that has %s', (fate, _what, names) => {
    const image = buildImage(names);
    const { images } = jobSchema.parse({ version: 1, policy: 'nightly', run: 'nightly-1' });
    const plan = makePlan({ ...buildFacts({ inventory: { images: [image] } }), job: { ...buildFacts().job, images } });
    expect(plan.kept.map(({ reason }) => reason)).toEqual(fate === 'stays' ? ['SideLoaded'] : []);
  });
});

it('an image may lose its tags one by one only if the references of the job name each of them (P12, T12)', () => {
  const removeReferences = ['acme/app:1', 'acme/app:2'];
  const mayLose = mayLoseAllNames(buildFacts({ job: { removeReferences } }));
  expect(mayLose(buildImage(['acme/app:1', 'acme/app:2']))).toBe(true);
  expect(mayLose(buildImage(['acme/app:1', 'acme/app:3']))).toBe(false);
  expect(mayLose(buildImage(['acme/tool:1']))).toBe(false);
});

describe('the possibility that any image can be removed', () => {
  const images = [app, base];
  const newest = { job: { images: { keepNewestPerRepository: 5 } } };
  it.each<[answer: boolean, why: string, facts: FactFields]>([
    [true, 'one is used, the other is not', { inventory: { images, inUse: buildInUse(app) } }],
    [false, 'all are used', { inventory: { images, inUse: buildInUse(app, base) } }],
    [false, 'there is none', { inventory: { images: [] } }],
    [true, 'which are the newest is not known before they are inspected', { ...newest, inventory: { images } }],
  ])('is %s if %s', (answer, _why, facts) => {
    expect(couldRemove(buildFacts(facts))).toBe(answer);
  });
});

it('an image is kept as below the threshold if all of its layers stay, because its removal frees nothing (N7)', () => {
  const layers = ['sha256:1', 'sha256:2'];
  const details = new Map([app, base].map(({ id }) => [id, { id, layers }]));
  const inventory = { images: [app, base], inUse: buildInUse(base), details };
  const { kept, removals } = makePlan(buildFacts({ job: thresholds, inventory, ...disk(90) }));
  expect(removals).toEqual([]);
  expect(kept.find(({ image }) => image === app)).toMatchObject({
    reason: 'BelowThreshold',
    message: 'its removal would free nothing, because images that are kept have all of its layers',
  });
});
