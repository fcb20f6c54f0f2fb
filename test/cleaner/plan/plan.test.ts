import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { updateHistory } from '../../../cleaner/history/history.ts';
import type { Facts } from '../../../cleaner/plan/keep-rules.ts';
import { selectCrowded } from '../../../cleaner/plan/newest-per-repository.ts';
import { foreseePlan, makePlan, type Plan } from '../../../cleaner/plan/plan.ts';
import type { Image, ImageDetails } from '../../../cleaner/runtime/runtime.ts';
import type { JobDocument } from '../../../contract/job.ts';
import {
  buildFacts,
  buildHistory,
  buildImage,
  buildInUse,
  buildInventory,
  dayMs,
  type FactFields,
  minuteMs,
  now,
} from '../../helpers/inventory.ts';

const app = buildImage('docker.io/acme/app:1');
const reasonOf = (plan: Plan, image: Image) => plan.kept.find((kept) => kept.image === image)?.reason;
const removed = (plan: Plan) => plan.removals.map(({ image }) => image);

function decide(image: Image, { inventory, ...fields }: FactFields = {}): string {
  const plan = makePlan(buildFacts({ ...fields, inventory: { images: [image], ...inventory } }));
  return reasonOf(plan, image) ?? 'removed';
}

function detailsOf(...details: readonly ImageDetails[]): ReadonlyMap<string, ImageDetails> {
  return new Map(details.map((detail) => [detail.id, detail]));
}

/** A disk of 1,000 bytes with so many percent of it used. */
function disk(percent: number) {
  return { capacityBytes: 1_000, usedBytes: percent * 10, availableBytes: 1_000 - percent * 10 };
}

describe('an image without any reason to stay', () => {
  it('is removed', () => {
    expect(decide(app)).toBe('removed');
  });

  it('is removed without a name too, if all images are included (T12)', () => {
    expect(decide(buildImage([]))).toBe('removed');
  });
});

describe('an image is kept', () => {
  const digest = `sha256:${'cd'.repeat(32)}`;
  const pinnedByDigest = buildImage(['docker.io/acme/app:1', `docker.io/acme/app@${digest}`]);
  const nameless = buildImage([]);
  const twice = buildImage(['docker.io/acme/app:1', 'registry.example.com/base:1']);

  it.each<[reason: string, why: string, image: Image, facts: FactFields]>([
    ['InUse', 'used (N2)', app, { inventory: { inUse: buildInUse(app) } }],
    ['Pinned', 'pinned (N2)', buildImage('a.io/b', { pinned: true }), {}],
    ['Pinned', 'the pause image by name (T7)', buildImage('registry.k8s.io/pause:3.10'), {}],
    ['Pinned', 'the pause image of an older release (T7)', buildImage('k8s.gcr.io/pause-amd64:3.1'), {}],
    ['Pinned', 'the pause image of a distribution (T7)', buildImage('docker.io/rancher/mirrored-pause:3.6'), {}],
    ['Pinned', 'the image that sandboxes stand on (T7, H7)', app, { inventory: { sandboxReferences: ['acme/app:1'] } }],
    ['OwnImage', "the cleaner's own (T19)", app, { ownReferences: ['acme/app:1'] }],
    ['Starting', 'of a pod that starts (T18)', app, { job: { startingReferences: ['acme/app:1'] } }],
    ['Starting', 'of a pod by digest', pinnedByDigest, { job: { startingReferences: [`acme/app@${digest}`] } }],
    [
      'ReferencedByWorkload',
      'named by a workload',
      app,
      { job: { images: { protectWorkloads: true }, workloadReferences: ['acme/app:1'] } },
    ],
    ['removed', 'not named by a workload unless that counts', app, { job: { workloadReferences: ['acme/app:1'] } }],
    ['Prepulled', 'kept on nodes by another policy (T19)', app, { job: { prepulledReferences: ['acme/app:1'] } }],
    ['NotIncluded', 'not included', app, { job: { images: { include: ['docker.io/other/**'] } } }],
    ['NotIncluded', 'not included without a name', nameless, { job: { images: { include: ['**/**'] } } }],
    ['NotIncluded', 'not included at all', app, { job: { images: { include: [] } } }],
    ['Excluded', 'excluded', app, { job: { images: { exclude: ['acme/app'] } } }],
    ['Excluded', 'excluded by one of its names (T10)', twice, { job: { images: { exclude: ['**/base:*'] } } }],
    [
      'removed',
      'not excluded when a filter names just a part of it (C35)',
      app,
      { job: { images: { exclude: ['app'] } } },
    ],
    [
      'TooYoung',
      'younger than minAge (N4)',
      app,
      { history: buildHistory({ [app.id]: { firstSeen: now - minuteMs } }) },
    ],
    [
      'RecentlyUsed',
      'used more recently than minAge (N4)',
      app,
      { history: buildHistory({ [app.id]: { firstSeen: 0, lastUsed: now - minuteMs } }) },
    ],
    [
      'removed',
      'not once minAge is over',
      app,
      { history: buildHistory({ [app.id]: { firstSeen: 0, lastUsed: now - 2 * minuteMs } }) },
    ],
    [
      'RecentlyUsed',
      'not unused for maxUnusedAge yet (N5)',
      app,
      {
        job: { images: { maxUnusedAge: '7d' } },
        history: buildHistory({ [app.id]: { firstSeen: 0, lastUsed: now - 7 * dayMs } }),
      },
    ],
    [
      'removed',
      'not when unused for longer than maxUnusedAge, at any disk usage (N5)',
      app,
      {
        job: { images: { maxUnusedAge: '7d' }, disk: { highPercent: 85, lowPercent: 80 } },
        history: buildHistory({ [app.id]: { firstSeen: 0, lastUsed: now - 7 * dayMs - 1 } }),
        diskUsage: disk(10),
      },
    ],
    [
      'BelowThreshold',
      'below the high threshold (N6)',
      app,
      { job: { disk: { highPercent: 85, lowPercent: 80 } }, diskUsage: disk(84.9) },
    ],
    [
      'removed',
      'not at the high threshold (N6)',
      app,
      { job: { disk: { highPercent: 85, lowPercent: 80 } }, diskUsage: disk(85) },
    ],
  ])('as %s: %s', (reason, _, image, facts) => {
    expect(decide(image, facts)).toBe(reason);
  });

  it('for the strongest of several reasons', () => {
    const facts: FactFields = {
      inventory: { inUse: buildInUse(app) },
      ownReferences: ['acme/app:1'],
      job: { images: { exclude: ['**'], include: [] }, startingReferences: ['acme/app:1'] },
    };
    expect(decide(app, facts)).toBe('InUse');
    expect(decide(app, { ...facts, inventory: {} })).toBe('OwnImage');
  });
});

describe('a first run, or one after a clock jump (N8, T25)', () => {
  const usage = buildInventory({ images: [app] });
  const history = updateHistory(undefined, usage, now);

  it('treats every image as old enough', () => {
    expect(decide(app, { history })).toBe('removed');
  });

  it('treats every image as just used for maxUnusedAge, also in the runs that follow', () => {
    const job: Partial<JobDocument> = { images: { maxUnusedAge: '7d' } };
    expect(decide(app, { history, job })).toBe('RecentlyUsed');
    const later = now + 7 * dayMs;
    expect(decide(app, { history: updateHistory(history, usage, later), job, now: later })).toBe('RecentlyUsed');
    expect(decide(app, { history: updateHistory(history, usage, later + 1), job, now: later + 1 })).toBe('removed');
  });
});

describe('keepNewestPerRepository', () => {
  const [one, two, three] = ['1', '2', '3'].map((tag) => buildImage(`a.io/app:${tag}`)) as [Image, Image, Image];
  const images = [two, three, one];
  const job: Partial<JobDocument> = { images: { keepNewestPerRepository: 1, minAge: '0s' } };

  it('needs the build times only of images in repositories with more images than that', () => {
    const lonely = buildImage('b.io/app:1');
    expect(selectCrowded([...images, lonely], 1)).toEqual(images.map(({ id }) => id));
    expect(selectCrowded(images, 3)).toEqual([]);
    expect(selectCrowded(images, 0)).toEqual([]);
  });

  it('keeps the newest by build time', () => {
    const details = detailsOf({ id: one.id, builtAt: 3 }, { id: two.id, builtAt: 2 }, { id: three.id, builtAt: 1 });
    const plan = makePlan(buildFacts({ job, inventory: { images, details } }));
    expect(plan.kept).toMatchObject([{ image: one, reason: 'NewestInRepository' }]);
  });

  it('keeps the image that was first seen most recently if build times are unknown', () => {
    const history = buildHistory({
      [one.id]: { firstSeen: 1 },
      [two.id]: { firstSeen: 9 },
      [three.id]: { firstSeen: 5 },
    });
    const details = detailsOf(...images.map(({ id }) => ({ id })));
    const plan = makePlan(buildFacts({ job, inventory: { images, details }, history }));
    expect(plan.kept).toMatchObject([{ image: two, reason: 'NewestInRepository' }]);
  });

  it('keeps all images that could be the newest, if nothing distinguishes them', () => {
    const details = detailsOf({ id: one.id, builtAt: 3 }, { id: two.id, builtAt: 3 }, { id: three.id, builtAt: 1 });
    const plan = makePlan(buildFacts({ job, inventory: { images, details } }));
    expect(plan.kept.map(({ image }) => image)).toEqual([two, one]);
  });

  it('keeps an image that could not be inspected beside the newest: it may be as new', () => {
    const details = detailsOf({ id: one.id, builtAt: 3 }, { id: two.id, builtAt: 2 });
    const plan = makePlan(buildFacts({ job, inventory: { images, details } }));
    expect(plan.kept.map(({ image }) => image)).toEqual([three, one]);
    expect(removed(plan)).toEqual([two]);
  });

  it('counts used images, and every repository that an image has a name in', () => {
    const both = buildImage(['a.io/app:9', 'b.io/app:9']);
    const details = detailsOf(
      { id: three.id, builtAt: 100 },
      { id: both.id, builtAt: 50 },
      { id: one.id },
      { id: two.id },
    );
    const inventory = { images: [...images, both], details, inUse: buildInUse(three) };
    const plan = makePlan(buildFacts({ job, inventory }));
    expect(plan.kept.map(({ image, reason }) => [image.names[0], reason])).toEqual([
      ['a.io/app:3', 'InUse'],
      ['a.io/app:9', 'NewestInRepository'],
    ]);
  });
});

describe('the order of removal (N3)', () => {
  it('is last used, first seen, larger first, ID', () => {
    const image = (name: string, sizeBytes = 100) => buildImage(`a.io/${name}`, { id: name, sizeBytes });
    const [early, late, older, newer, large, a, b] = [
      image('early'),
      image('late'),
      image('older'),
      image('newer'),
      image('large', 200),
      image('a'),
      image('b'),
    ];
    const history = buildHistory({
      early: { firstSeen: 9, lastUsed: 10 },
      late: { firstSeen: 1, lastUsed: 20 },
      older: { firstSeen: 2, lastUsed: 15 },
      newer: { firstSeen: 3, lastUsed: 15 },
      large: { firstSeen: 0 },
      a: { firstSeen: 0 },
      b: { firstSeen: 0 },
    });
    const plan = makePlan(buildFacts({ history, inventory: { images: [late, b, a, newer, large, older, early] } }));
    expect(removed(plan)).toEqual([large, a, b, early, older, newer, late]);
  });

  it('begins with the images that are removed at any disk usage', () => {
    const [fresh, stale] = [buildImage('a.io/fresh'), buildImage('a.io/stale')];
    const history = buildHistory({ [fresh.id]: { firstSeen: now - dayMs }, [stale.id]: { firstSeen: 0 } });
    const job: Partial<JobDocument> = { images: { maxUnusedAge: '7d' }, disk: { highPercent: 85, lowPercent: 80 } };
    const plan = makePlan(buildFacts({ job, history, inventory: { images: [fresh, stale] }, diskUsage: disk(90) }));
    expect(plan.removals).toMatchObject([
      { image: stale, always: true },
      { image: fresh, always: false },
    ]);
    expect(plan.untilPercent).toBe(80);
  });
});

describe('images.maxPerRun', () => {
  const images = ['a', 'b', 'c'].map((id) => buildImage(`a.io/${id}`, { id }));
  const history = buildHistory({ a: { firstSeen: 3 }, b: { firstSeen: 2 }, c: { firstSeen: 1 } });

  it('removes the least recently used images, and keeps the others for a later run (H9)', () => {
    const facts = buildFacts({ job: { images: { maxPerRun: 2 } }, history, inventory: { images } });
    const plan = foreseePlan(makePlan(facts), undefined);
    expect(removed(plan).map(({ id }) => id)).toEqual(['c', 'b']);
    expect(plan.kept).toMatchObject([
      { image: { id: 'a' }, reason: 'OverLimit', message: '2 others are removed first, and maxPerRun allows no more' },
    ]);
  });

  it('changes nothing if fewer images would be removed', () => {
    const plan = makePlan(buildFacts({ job: { images: { maxPerRun: 3 } }, history, inventory: { images } }));
    expect(removed(plan)).toHaveLength(3);
  });
});

describe('foreseePlan', () => {
  it('removes until the nominal sizes bring usage down to the low threshold (N7)', () => {
    const images = ['a', 'b', 'c'].map((id) => buildImage(`a.io/${id}`, { id, sizeBytes: 50 }));
    const job: Partial<JobDocument> = { disk: { highPercent: 85, lowPercent: 80 } };
    const plan = makePlan(buildFacts({ job, inventory: { images }, diskUsage: disk(90) }));
    const foreseen = foreseePlan(plan, disk(90));
    expect(removed(foreseen).map(({ id }) => id)).toEqual(['a', 'b']);
    expect(foreseen.kept.map(({ image, reason }) => [image.id, reason])).toEqual([['c', 'BelowThreshold']]);
  });

  it('changes nothing without a threshold', () => {
    const plan = makePlan(buildFacts({ inventory: { images: [app] } }));
    expect(foreseePlan(plan, disk(90))).toBe(plan);
  });
});

describe('for any content of the node', () => {
  const name = fc.constantFrom('a.io/app:1', 'a.io/app:2', 'a.io/base:1', 'b.io/team/tool:1', 'b.io/pause:3', 'web:1');
  const images = fc
    .array(fc.record({ names: fc.uniqueArray(name, { maxLength: 3 }), size: fc.nat(500), pinned: fc.boolean() }), {
      maxLength: 12,
    })
    .map((all) =>
      all.map(({ names, size, pinned }, index) => buildImage(names, { id: `image-${index}`, sizeBytes: size, pinned })),
    );
  const facts = images.chain((all) =>
    fc
      .record({
        used: fc.subarray(all),
        records: fc.array(fc.record({ firstSeen: fc.nat(now), lastUsed: fc.nat(now) }), {
          minLength: all.length,
          maxLength: all.length,
        }),
        starting: fc.subarray(['a.io/app:1', 'web:1']),
        exclude: fc.subarray(['**/base:*', 'web']),
        keepNewestPerRepository: fc.nat(2),
        maxUnusedAge: fc.constantFrom('1d', undefined),
        hasDisk: fc.boolean(),
        percent: fc.nat(100),
      })
      .map(({ used, records, starting, exclude, keepNewestPerRepository, maxUnusedAge, hasDisk, percent }): Facts => {
        const rules = { exclude, keepNewestPerRepository, ...(maxUnusedAge && { maxUnusedAge }) };
        return buildFacts({
          job: {
            images: rules,
            startingReferences: starting,
            ...(hasDisk && { disk: { highPercent: 85, lowPercent: 80 } }),
          },
          inventory: { images: all, inUse: buildInUse(...used) },
          history: buildHistory(Object.fromEntries(records.map((record, index) => [`image-${index}`, record]))),
          diskUsage: disk(percent),
        });
      }),
  );

  it('a plan has exactly one decision for every image', () => {
    fc.assert(
      fc.property(facts, (given) => {
        for (const plan of [makePlan(given), foreseePlan(makePlan(given), given.diskUsage)]) {
          const decided = [...plan.kept.map(({ image }) => image.id), ...removed(plan).map(({ id }) => id)];
          expect(decided.toSorted()).toEqual(given.inventory.images.map(({ id }) => id).toSorted());
        }
      }),
    );
  });

  it('a plan never removes what is used, pinned, starting or excluded by any name', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const { exclude } = given.job.images;
        for (const image of removed(makePlan(given))) {
          expect(given.inventory.inUse.has(image.id) || image.pinned).toBe(false);
          expect(image.names.some((full) => full.includes('/pause:'))).toBe(false);
          expect(exclude.includes('**/base:*') && image.names.some((full) => full.includes('/base:'))).toBe(false);
          expect(exclude.includes('web') && image.names.some((full) => full.includes('/web:'))).toBe(false);
          expect(given.job.startingReferences.some((start) => image.names.some((full) => full.endsWith(start)))).toBe(
            false,
          );
        }
      }),
    );
  });

  it('a plan removes at most maxPerRun images: the first of those that would be removed without it', () => {
    fc.assert(
      fc.property(facts, fc.integer({ min: 1, max: 12 }), (given, maxPerRun) => {
        const limited = { ...given, job: { ...given.job, images: { ...given.job.images, maxPerRun } } };
        const all = removed(makePlan(given));
        const plan = foreseePlan(makePlan(limited), undefined);
        expect(removed(plan)).toEqual(all.slice(0, maxPerRun));
        const over = plan.kept.filter(({ reason }) => reason === 'OverLimit').map(({ image }) => image);
        expect(over).toEqual(all.slice(maxPerRun));
      }),
    );
  });

  it('a plan does not depend on the order in which the runtime lists images', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const reversed = { ...given, inventory: { ...given.inventory, images: given.inventory.images.toReversed() } };
        expect(removed(makePlan(reversed))).toEqual(removed(makePlan(given)));
      }),
    );
  });
});
