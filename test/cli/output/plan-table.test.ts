import { describe, expect, it } from 'vitest';
import { plainScreen } from '../../../cli/output/layout/screen.ts';
import { formatPlan } from '../../../cli/output/plan-table.ts';
import { buildPlanDocument, buildPlannedImage } from '../../helpers/plans.ts';

const now = '2026-01-31T00:00:00.000Z';
const digest = `docker.io/acme/tool@sha256:${'ef'.repeat(32)}`;
const app = buildPlannedImage(['docker.io/acme/app:1', 'docker.io/acme/app:stable'], { sizeBytes: 4_200_000_000 });
const web = buildPlannedImage('docker.io/library/web:1', {
  decision: 'keep',
  reason: 'InUse',
  message: 'used by default/web/main',
  lastUsed: now,
  usedBy: ['default/web/main'],
});
const { firstSeen: _seen, lastUsed: _used, ...unseen } = buildPlannedImage(digest);
const nameless = { ...buildPlannedImage([]), id: `sha256:${'0123456789ab'.padEnd(64, 'c')}` };
const narrow = { screen: plainScreen, isWide: false };
const plan = buildPlanDocument([app, web, unseen, nameless]);

describe('the table of a plan', () => {
  it('has one line an image in aligned columns, those that go first, and the totals below', () => {
    expect(formatPlan(plan, narrow).split('\n')).toEqual([
      'IMAGE                                     SIZE      AGE    LAST USED   DECISION   REASON',
      'docker.io/acme/app:1                      3.9 GiB   5d     2h          remove     -',
      'docker.io/acme/tool@sha256:efefefefefef   100 MiB   >10d   >10d        remove     -',
      '<none>@0123456789ab                       100 MiB   5d     2h          remove     -',
      'docker.io/library/web:1                   100 MiB   5d     now         keep       InUse',
      '',
      '4 images of 4.2 GiB; 3 would be removed, which frees about 30 MiB',
      'Kept: 1 InUse (100 MiB)',
    ]);
  });

  it('shows more with the wide format: IDs, freed bytes, pins, all names, and the reasons in words', () => {
    const [header = '', first = '', ...others] = formatPlan(plan, { ...narrow, isWide: true }).split('\n');
    const kept = others.find((line) => line.startsWith('docker.io/library/web:1')) ?? '';
    expect(header.split(/\s{3,}/).slice(6)).toEqual(['ID', 'FREES', 'PINNED', 'OTHER NAMES', 'MESSAGE']);
    expect(first.split(/\s{3,}/).slice(6)).toEqual([
      app.id.slice('sha256:'.length, 'sha256:'.length + 12),
      '10 MiB',
      'no',
      'docker.io/acme/app:stable',
      'no rule keeps it',
    ]);
    expect(kept.split(/\s{3,}/).slice(7)).toEqual(['-', 'no', '-', 'used by default/web/main']);
  });

  it('shows on the first run of a node that ages are unknown', () => {
    const { historySince: _, ...first } = buildPlanDocument([unseen]);
    expect(formatPlan(first, narrow)).toMatch(/efefef {3}100 MiB {3}<unknown> {3}<unknown> {3}remove/);
  });

  it('shows never for an image that was never seen in use', () => {
    const { lastUsed: _, ...unused } = buildPlannedImage('unused');
    expect(formatPlan(buildPlanDocument([unused]), narrow)).toMatch(/ 5d {4}never /);
  });

  it('has no header without images', () => {
    expect(formatPlan(buildPlanDocument([]), narrow)).toBe('0 images of 0 B; none would be removed');
  });
});

describe('the table of a plan on a terminal', () => {
  const screen = { columns: 80, hasColors: false };
  const long = buildPlannedImage('registry.example.com/platform/team-a/services/checkout-service:2026.01.17-rc4', {
    decision: 'keep',
    reason: 'ReferencedByWorkload',
  });
  const images = [app, web, long];

  it('is not wider than 80 cells, and tells removals from images that stay', () => {
    const lines = formatPlan(buildPlanDocument(images), { screen, isWide: false }).split('\n');
    expect(lines).toEqual([
      'IMAGE                                    SIZE     DECISION  REASON',
      'docker.io/acme/app:1                     3.9 GiB  remove    -',
      '',
      'docker.io/library/web:1                  100 MiB  keep      InUse',
      'registry.exa…out-service:2026.01.17-rc4  100 MiB  keep      ReferencedByWorkload',
      '',
      '3 images of 4.1 GiB; 1 would be removed, which frees about 10 MiB',
      'Kept: 1 InUse (100 MiB), 1 ReferencedByWorkload (100 MiB)',
    ]);
  });

  it('has everything with the wide format, and full names', () => {
    const text = formatPlan(buildPlanDocument(images), { screen, isWide: true });
    expect(text).toContain('registry.example.com/platform/team-a/services/checkout-service:2026.01.17-rc4 ');
    expect(text).toMatch(/AGE .*LAST USED .*OTHER NAMES .*MESSAGE\n/);
  });

  it.each([
    ['remove', /acme\/app/, /library\/web/],
    ['keep', /library\/web/, /acme\/app/],
  ] as const)('shows only the images to %s if these are asked for, and the sums of all', (only, shown, hidden) => {
    const text = formatPlan(buildPlanDocument(images), { screen, isWide: false, only });
    expect(text).toMatch(shown);
    expect(text).not.toMatch(hidden);
    expect(text).toContain('3 images of 4.1 GiB; 1 would be removed');
    expect(text).toContain('Kept: 1 InUse (100 MiB), 1 ReferencedByWorkload');
  });

  it('colours the decisions to remove, and the outcome of a run', () => {
    const gone = buildPlannedImage('gone', { outcome: 'removed' });
    const stuck = buildPlannedImage('stuck', { outcome: 'failed', reason: 'RemovalFailed' });
    const colored = { screen: { columns: 80, hasColors: true }, isWide: false };
    expect(formatPlan(buildPlanDocument([app]), colored)).toContain('\u001b[33mremove\u001b[39m');
    const text = formatPlan(buildPlanDocument([gone, stuck], { run: 'nightly-1' }), colored);
    expect(text).toContain('\u001b[32mremoved\u001b[39m');
    expect(text).toContain('\u001b[31mRemovalFailed\u001b[39m');
  });
});

describe('the lines below', () => {
  const below = (fields: Parameters<typeof buildPlanDocument>[1], images = [app]) =>
    formatPlan(buildPlanDocument(images, fields), narrow).split('\n').slice(3);
  const disk = { highPercent: 85, lowPercent: 80 };
  const filesystem = { capacityBytes: 100, usedBytes: 90, usedPercent: 90, afterBytes: 79, afterPercent: 79 };

  it.each<[title: string, fields: Parameters<typeof buildPlanDocument>[1], lines: string[]]>([
    ['usage before and after', { filesystem }, ['Disk usage: 90 % -> about 79 %']],
    [
      'the thresholds',
      { filesystem, disk },
      ['Disk usage: 90 % -> about 79 %; removal starts at 85 % and stops at 80 %'],
    ],
    [
      'that the lower one is out of reach',
      { filesystem: { ...filesystem, afterPercent: 81 }, disk },
      ['Disk usage: 90 % -> about 81 %; removal starts at 85 % and stops at 80 %, which is not reached'],
    ],
    ['that usage is not known', { disk }, ['Disk usage is unknown; removal starts at 85 % and stops at 80 %']],
    ['every note', { notes: ['one', 'two'] }, ['Note: one', 'Note: two']],
  ])('show %s', (_title, fields, lines) => {
    expect(below(fields).slice(1)).toEqual(lines);
  });

  it('show no usage afterwards if nothing would be removed', () => {
    expect(below({ filesystem, disk }, [web])).toEqual([
      '1 image of 100 MiB; none would be removed',
      'Kept: 1 InUse (100 MiB)',
      'Disk usage: 90 %; removal starts at 85 % and stops at 80 %',
    ]);
  });

  it('show the number of images with a size in place of unknown layers', () => {
    const totals = { images: 1, sizeBytes: 2 ** 20, removals: 1, freesBytes: 2 ** 20, nominal: 1 };
    expect(below({ totals })).toEqual([
      '1 image of 1 MiB; 1 would be removed, which frees about 1 MiB (with the full size of 1 of them, whose layers are unknown)',
    ]);
  });

  it('show the results of a run', () => {
    const images = [
      buildPlannedImage('gone', { outcome: 'removed' }),
      buildPlannedImage('stuck', { outcome: 'failed', reason: 'RemovalFailed' }),
      buildPlannedImage('too', { outcome: 'removed' }),
    ];
    const text = formatPlan(buildPlanDocument(images, { run: 'nightly-1', filesystem }), narrow);
    expect(text).toMatch(/stuck:latest .* remove +RemovalFailed$/m);
    expect(text).toMatch(/gone:latest .* remove +removed$/m);
    expect(text).toContain(
      '3 images of 300 MiB; 3 were planned for removal (2 removed, 1 failed)\nDisk usage: 90 % -> 79 %',
    );
  });
});
