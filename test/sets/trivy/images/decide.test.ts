import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatImageSet, parseImageSet } from '../../../../contract/images/image-set.ts';
import { decide, type Remembered, type TrivyCriteria } from '../../../../sets/trivy/images/decide.ts';
import { formatMemory, recallImages } from '../../../../sets/trivy/images/remembered.ts';
import { type ImageReport, readReport } from '../../../../sets/trivy/images/report.ts';
import { buildReport, type ReportFields } from '../../../helpers/trivy-report.ts';

const dayMs = 86_400_000;
const now = Date.parse('2026-11-26T12:00:00Z');
const criteria: TrivyCriteria = { severities: ['CRITICAL'], fixable: false, endOfLife: false, expireMs: 30 * dayMs };
const one = `sha256:${'11'.repeat(32)}`;
const two = `sha256:${'22'.repeat(32)}`;
const critical = ['CVE-2026-1 CRITICAL 9.8'];

function report(fields: ReportFields): ImageReport {
  const read = readReport(buildReport({ repository: 'acme/api', ...fields }));
  if (typeof read === 'string') throw new Error(`the report is ${read}`);
  return read;
}

/** The memory after looks that found these reports, a day apart, the last one a day ago. */
function afterLooks(...looks: readonly (readonly ImageReport[])[]): readonly Remembered[] {
  return looks.reduce<readonly Remembered[]>(
    (remembered, reports, index) =>
      decide({ reports, remembered }, criteria, now - (looks.length - index) * dayMs).remembered,
    [],
  );
}

const imagesIn = (known: Parameters<typeof decide>[0], nowMs = now, wanted = criteria) =>
  decide(known, wanted, nowMs).entries.map(({ image }) => image);

describe('decide', () => {
  it('names what a report finds vulnerable, once for each image, with the reason (S9)', () => {
    const reports = [
      report({ digest: one, tag: '1', vulnerabilities: critical }),
      report({ digest: one, tag: 'stable', vulnerabilities: critical }),
      report({ digest: two, tag: '2' }),
      report({ repository: 'acme/web', tag: '3', vulnerabilities: critical }),
    ];
    expect(decide({ reports, remembered: [] }, criteria, now).entries).toEqual([
      { image: `docker.io/acme/api@${one}`, reason: 'CVE-2026-1 critical, by trivy' },
      { image: 'docker.io/acme/web:3', reason: 'CVE-2026-1 critical, by trivy' },
    ]);
  });

  it('remembers an image whose report is gone, and says when it was reported last (S9)', () => {
    const remembered = afterLooks([report({ digest: one, vulnerabilities: critical })], [], []);
    expect(decide({ reports: [], remembered }, criteria, now).entries).toEqual([
      { image: `docker.io/acme/api@${one}`, reason: 'CVE-2026-1 critical, by trivy, last reported 2026-11-23' },
    ]);
  });

  it('forgets an image so long after its last report as --expire says, and not before (S9)', () => {
    const remembered = afterLooks([report({ digest: one, vulnerabilities: critical })]);
    const lastSeen = now - dayMs;
    expect(imagesIn({ reports: [], remembered }, lastSeen + criteria.expireMs)).toHaveLength(1);
    expect(imagesIn({ reports: [], remembered }, lastSeen + criteria.expireMs + 1)).toEqual([]);
  });

  it('forgets an image when a newer report of the same digest finds nothing, in any repository (S9)', () => {
    const remembered = afterLooks([
      report({ digest: one, updated: '2026-11-20T08:00:00Z', vulnerabilities: critical }),
      report({ digest: one, server: 'mirror.example.com', updated: '2026-11-20T08:00:00Z', vulnerabilities: critical }),
    ]);
    const clean = (updated: string) => ({ reports: [report({ digest: one, updated })], remembered });
    expect(imagesIn(clean('2026-11-20T08:00:01Z'))).toEqual([]);
    expect(imagesIn(clean('2026-11-20T07:59:59Z'))).toHaveLength(2);
    expect(imagesIn({ reports: [report({ digest: two, updated: '2026-11-25T08:00:00Z' })], remembered })).toHaveLength(
      2,
    );
  });

  it('lets the newest of several reports of an image decide (S9)', () => {
    const older = report({ digest: one, updated: '2026-11-20T08:00:00Z', vulnerabilities: critical });
    const newer = report({ digest: one, updated: '2026-11-21T08:00:00Z' });
    expect(imagesIn({ reports: [older, newer], remembered: [] })).toEqual([]);
    const worse = report({ digest: one, updated: '2026-11-22T08:00:00Z', vulnerabilities: ['CVE-9 CRITICAL 10'] });
    expect(decide({ reports: [newer, worse, older], remembered: [] }, criteria, now).entries).toMatchObject([
      { reason: 'CVE-9 critical, by trivy' },
    ]);
  });

  it('drops an entry by tag when a newer report shows another digest behind the tag (S9)', () => {
    const byTag = report({ tag: '1', updated: '2026-11-20T08:00:00Z', vulnerabilities: critical });
    const rebuilt = report({ tag: '1', digest: two, updated: '2026-11-21T08:00:00Z' });
    const remembered = afterLooks([byTag]);
    expect(imagesIn({ reports: [], remembered })).toEqual(['docker.io/acme/api:1']);
    expect(imagesIn({ reports: [rebuilt], remembered })).toEqual([]);
    expect(imagesIn({ reports: [rebuilt, byTag], remembered: [] })).toEqual([]);
    const otherTag = report({ tag: '2', digest: two, updated: '2026-11-21T08:00:00Z' });
    expect(imagesIn({ reports: [otherTag], remembered })).toEqual(['docker.io/acme/api:1']);
    const earlier = report({ tag: '1', digest: two, updated: '2026-11-19T08:00:00Z' });
    expect(imagesIn({ reports: [earlier], remembered })).toEqual(['docker.io/acme/api:1']);
  });

  it('keeps an entry by digest when its tag is rebuilt, because nodes still have the old image (S9)', () => {
    const remembered = afterLooks([report({ tag: '1', digest: one, vulnerabilities: critical })]);
    const rebuilt = report({ tag: '1', digest: two, updated: '2026-11-25T08:00:00Z' });
    expect(imagesIn({ reports: [rebuilt], remembered })).toEqual([`docker.io/acme/api@${one}`]);
  });

  it('applies changed options to what it remembers (S9)', () => {
    const remembered = afterLooks([report({ digest: one, vulnerabilities: ['CVE-1 CRITICAL 9', 'CVE-2 HIGH 8 2.0'] })]);
    const wanted = (change: Partial<TrivyCriteria>) =>
      decide({ reports: [], remembered }, { ...criteria, ...change }, now).entries.map(({ reason }) => reason);
    expect(wanted({ fixable: true })).toEqual([]);
    expect(wanted({ severities: ['HIGH'] })).toEqual(['CVE-2 high, by trivy, last reported 2026-11-25']);
    expect(wanted({ expireMs: dayMs / 2 })).toEqual([]);
  });

  it('is not fooled by a scan or a look in the future (S9)', () => {
    const future = report({ digest: one, updated: '2030-01-01T00:00:00Z', vulnerabilities: critical });
    const { remembered } = decide({ reports: [future], remembered: [] }, criteria, now - dayMs);
    const clean = report({ digest: one, updated: '2026-11-26T11:00:00Z' });
    expect(imagesIn({ reports: [clean], remembered })).toEqual([]);
    const ahead = decide({ reports: [future], remembered: [] }, criteria, now + 900 * dayMs).remembered;
    const again = decide({ reports: [], remembered: ahead }, criteria, now).remembered;
    expect(again).toHaveLength(1);
    expect(imagesIn({ reports: [], remembered: again }, now + criteria.expireMs + 1)).toEqual([]);
  });
});

const arbitraryReport: fc.Arbitrary<ImageReport> = fc
  .record({
    server: fc.constantFrom('index.docker.io', 'mirror.example.com'),
    repository: fc.constantFrom('acme/api', 'acme/web'),
    tag: fc.constantFrom('1', '2'),
    digest: fc.constantFrom(undefined, one, two),
    updated: fc.integer({ min: -4, max: 4 }).map((days) => new Date(now + days * dayMs).toISOString()),
    vulnerabilities: fc.subarray(['CVE-1 CRITICAL 9.8', 'CVE-2 CRITICAL 9.8 2.0', 'CVE-3 HIGH 7']),
    os: fc.constantFrom({}, { eosl: true, name: '3.12' }),
  })
  .map(report);
const arbitraryLook = fc.array(arbitraryReport, { maxLength: 12 });
const arbitraryLooks = fc.array(arbitraryLook, { maxLength: 4 });
const arbitraryCriteria: fc.Arbitrary<TrivyCriteria> = fc.record({
  severities: fc.subarray(['CRITICAL', 'HIGH'] as const, { minLength: 1 }),
  fixable: fc.boolean(),
  endOfLife: fc.boolean(),
  expireMs: fc.integer({ min: 0, max: 10 }).map((days) => days * dayMs),
});

describe('any reports', () => {
  it('give the same set in any order of the pages and of the memory (S9)', () => {
    const shuffled = arbitraryLook.chain((reports) =>
      fc.tuple(fc.constant(reports), fc.shuffledSubarray(reports, { minLength: reports.length })),
    );
    fc.assert(
      fc.property(arbitraryLooks, shuffled, arbitraryCriteria, (looks, [reports, other], wanted) => {
        const remembered = afterLooks(...looks);
        const decision = decide({ reports, remembered }, wanted, now);
        expect(decide({ reports: other, remembered: remembered.toReversed() }, wanted, now)).toEqual(decision);
      }),
    );
  });

  it('name only images that a report or the memory names, in lines that can be read (S9)', () => {
    fc.assert(
      fc.property(arbitraryLooks, arbitraryLook, arbitraryCriteria, (looks, reports, wanted) => {
        const remembered = afterLooks(...looks);
        const { entries } = decide({ reports, remembered }, wanted, now);
        const named = new Set([...reports, ...remembered].map(({ image }) => image));
        expect(entries.filter(({ image }) => !named.has(image))).toEqual([]);
        const { entries: read, problems } = parseImageSet(formatImageSet([], entries));
        expect(problems).toEqual([]);
        expect(read.map(({ image, reason }) => ({ image, reason }))).toEqual(entries);
      }),
    );
  });

  it('never name what the newest report of the same content clears (S9)', () => {
    fc.assert(
      fc.property(arbitraryLooks, arbitraryReport, (looks, clean) => {
        const cleared = { ...clean, updatedMs: now, findings: { vulnerabilities: {} } };
        const images = imagesIn({ reports: [cleared], remembered: afterLooks(...looks) });
        expect(images).not.toContain(clean.image);
        if (clean.image.includes('@')) expect(images).not.toContain(clean.tagged);
      }),
    );
  });

  it('forget nothing when the clock goes back (S9)', () => {
    fc.assert(
      fc.property(arbitraryLooks, fc.integer({ min: 0, max: 5_000 }), (looks, days) => {
        const remembered = afterLooks(...looks);
        const images = remembered.map(({ image }) => image);
        expect(imagesIn({ reports: [], remembered }, now - days * dayMs)).toEqual(images);
      }),
    );
  });

  it('change nothing at the next look with the same reports (S9)', () => {
    fc.assert(
      fc.property(arbitraryLooks, arbitraryLook, arbitraryCriteria, (looks, reports, wanted) => {
        const first = decide({ reports, remembered: afterLooks(...looks) }, wanted, now);
        expect(decide({ reports, remembered: first.remembered }, wanted, now)).toEqual(first);
      }),
    );
  });

  it('keep each image of an earlier look that has no report now, until it expires (S9)', () => {
    fc.assert(
      fc.property(arbitraryLook, fc.integer({ min: 0, max: 60 }), (reports, days) => {
        const first = decide({ reports, remembered: [] }, criteria, now);
        const later = now + days * dayMs;
        const expected = days * dayMs <= criteria.expireMs ? first.entries.map(({ image }) => image) : [];
        expect(imagesIn({ reports: [], remembered: first.remembered }, later)).toEqual(expected);
      }),
    );
  });

  it('are remembered as they were written (S9)', () => {
    fc.assert(
      fc.property(arbitraryLooks, (looks) => {
        const remembered = afterLooks(...looks);
        expect(recallImages({ entries: [], memory: formatMemory(remembered) }, now)).toEqual(remembered);
      }),
    );
  });
});

describe('a lost memory', () => {
  const { entries } = decide(
    {
      reports: [
        report({ digest: one, vulnerabilities: critical }),
        report({ tag: '1', repository: 'acme/old', os: { eosl: true, name: '3.12' } }),
      ],
      remembered: [],
    },
    { ...criteria, endOfLife: true },
    now - dayMs,
  );

  it.each([
    ['missing', undefined],
    ['damaged', new TextEncoder().encode('{"version":1,"images":[{')],
    ['written by another version', new TextEncoder().encode('{"version":2,"images":[]}')],
    ['older than the set', formatMemory([])],
  ])('that is %s empties no set: the reasons in the set are remembered (S9)', (_, memory) => {
    const remembered = recallImages({ entries, memory }, now - dayMs);
    const again = decide({ reports: [], remembered }, criteria, now);
    expect(again.entries).toEqual(
      entries.map(({ image, reason }) => ({ image, reason: `${reason}, last reported 2026-11-25` })),
    );
    const later = recallImages({ entries: again.entries, memory: undefined }, now);
    expect(decide({ reports: [], remembered: later }, criteria, now).entries).toEqual(again.entries);
    expect(imagesIn({ reports: [], remembered: later }, now + criteria.expireMs)).toEqual([]);
    const clean = report({ digest: one, updated: '2026-11-26T08:00:00Z' });
    expect(imagesIn({ reports: [clean], remembered })).toEqual(['docker.io/acme/old:1']);
  });

  it('names who found an end of life that an earlier version has written (S9)', () => {
    const image = 'docker.io/acme/old:1';
    const reasons = ['end of life: alpine 3.12', 'end of life: alpine 3.12, last reported 2026-11-20'];
    const recalled = reasons.map((reason) => recallImages({ entries: [{ image, reason }], memory: undefined }, now));
    const expected = { evidence: { reason: 'end of life: alpine 3.12, by trivy' } };
    expect(recalled).toMatchObject([[expected], [expected]]);
  });

  it('brings back only what this source can have written (S9)', () => {
    const foreign = [
      { image: `docker.io/acme/api@${one}`, reason: 'CVE-2026-1 critical, by harbor' },
      { image: `docker.io/acme/web@${one}` },
      { image: 'docker.io/acme/**', reason: 'CVE-2026-1 critical, by trivy' },
      { image: 'docker.io/acme/api', reason: 'CVE-2026-1 critical, by trivy' },
      { image: one, reason: 'CVE-2026-1 critical, by trivy' },
    ];
    expect(recallImages({ entries: foreign, memory: undefined }, now)).toEqual([]);
  });
});
