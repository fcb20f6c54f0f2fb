import { describe, expect, it } from 'vitest';
import { findImage } from '../../../cli/input/find-image.ts';
import { explain, formatExplanation } from '../../../cli/output/explanation.ts';
import { plainScreen } from '../../../cli/output/layout/screen.ts';
import { buildPlanDocument, buildPlannedImage } from '../../helpers/plans.ts';

const toolDigest = `sha256:${'ef12'.repeat(16)}`;
const nginx = buildPlannedImage(['nginx:1.27', 'registry.test:5000/mirror/nginx:stable']);
const latest = buildPlannedImage(['busybox', 'busybox:1.36']);
const oldBusybox = buildPlannedImage('busybox:1.35');
const tool = buildPlannedImage(`acme/tool@${toolDigest}`);
const nameless = { ...buildPlannedImage([]), id: 'sha256:'.padEnd(71, 'beef') };
const crio = { ...buildPlannedImage('quay.io/acme/app:1'), id: 'c0ffee'.padEnd(64, '0') };
const images = [nginx, latest, oldBusybox, tool, nameless, crio];

describe('an image is found', () => {
  it.each([
    ['by a name', 'docker.io/library/nginx:1.27', nginx],
    ['by a name as people write it (T23)', 'nginx:1.27', nginx],
    ['by another of its names', 'registry.test:5000/mirror/nginx:stable', nginx],
    ['by a name without a tag', 'busybox', latest],
    ['by a repository of one image', 'nginx', nginx],
    ['by its ID', nginx.id, nginx],
    ['by its ID without a prefix', nginx.id.slice('sha256:'.length), nginx],
    ['by an ID that the runtime lists without a prefix', `sha256:${crio.id}`, crio],
    ['by the beginning of its ID', nginx.id.slice(7, 15), nginx],
    ['by the beginning of its ID with a prefix', nginx.id.slice(0, 15), nginx],
    ['by the ID that the table shows of one without a name', '<none>@beefbeefbeef', nameless],
    ['by a digest', toolDigest, tool],
    ['by a name with a digest', `acme/tool@${toolDigest}`, tool],
    ['by the beginning of a digest, as the table shows it', 'docker.io/acme/tool@sha256:ef12ef12ef12', tool],
    ['by the beginning of a digest alone', 'sha256:ef12ef', tool],
  ])('%s: %s', (_how, text, image) => {
    expect(findImage(images, text)).toBe(image);
  });
});

describe('an image is not found, and similar images are named', () => {
  it.each([
    [
      'a tag that is not there',
      'nginx:1.26',
      /^"nginx:1.26" is not one of the 6 images on the node; similar images: .*nginx:1\.27/,
    ],
    ['a slip of the finger', 'ngnix:1.27', /similar images: docker\.io\/library\/nginx:1\.27 \([0-9a-f]{12}\)$/],
    ['a part of a name', 'mirror', /similar images: docker\.io\/library\/nginx:1\.27/],
    ['nothing like it', 'postgres', /is not one of the 6 images on the node; `nodesweep plan` lists all images$/],
    ['the ID of another', 'ab'.repeat(32), /`nodesweep plan` lists all images$/],
  ])('%s', (_what, text, message) => {
    expect(() => findImage(images, text)).toThrow(message);
  });

  it('several that begin alike', () => {
    const twins = ['abc1', 'abc2'].map((start) => ({
      ...buildPlannedImage(start),
      id: `sha256:${start.padEnd(64, '0')}`,
    }));
    expect(() => findImage(twins, 'abc')).toThrow(
      '"abc" matches 2 images; choose one: docker.io/library/abc1:latest (abc100000000), docker.io/library/abc2:latest (abc200000000)',
    );
  });

  it('several tags of one repository without latest; at most five are listed', () => {
    const tags = [1, 2, 3, 4, 5, 6, 7].map((tag) => buildPlannedImage(`acme/app:${tag}`));
    expect(() => findImage(tags, 'acme/app')).toThrow(
      /"acme\/app" matches 7 images; choose one: .*app:5 \(\w+\), and 2 more$/,
    );
  });
});

describe('the explanation of an image', () => {
  const kept = buildPlannedImage(['docker.io/library/web:1', 'docker.io/library/web:stable'], {
    decision: 'keep',
    reason: 'InUse',
    message: 'used by default/web/main',
    usedBy: ['default/web/main', 'default/job/init'],
    lastUsed: '2026-01-31T00:00:00.000Z',
    verdicts: [
      { rule: 'InUse', keeps: true, message: 'used by default/web/main' },
      { rule: 'Pinned', keeps: false, message: 'neither pinned nor a pause image' },
    ],
  });

  it('shows the image, the result of every rule, and the decision', () => {
    expect(formatExplanation(buildPlanDocument([kept], { notes: ['a note'] }), kept, plainScreen).split('\n')).toEqual([
      'Names:       docker.io/library/web:1',
      '             docker.io/library/web:stable',
      `ID:          ${kept.id}`,
      'Size:        100 MiB',
      'Age:         5d (2026-01-26T00:00:00.000Z)',
      'Last used:   now (2026-01-31T00:00:00.000Z)',
      'Used by:     default/web/main',
      '             default/job/init',
      'Policy:      nightly',
      'Node:        node-1, as of 2026-01-31T00:00:00.000Z',
      '',
      'RULE     KEEPS   WHY',
      'InUse    yes     used by default/web/main',
      'Pinned   no      neither pinned nor a pause image',
      '',
      'Decision: keep, InUse: used by default/web/main',
      'Note: a note',
    ]);
  });

  it('shows the bytes that the removal of an image frees', () => {
    const text = formatExplanation(buildPlanDocument([nginx]), nginx, plainScreen);
    expect(text).toContain('Size:        100 MiB; its removal frees about 10 MiB\n');
    expect(text).toContain('Used by:     <none>\n');
    expect(text).toContain('\nDecision: remove: no rule keeps it');
  });

  it('leaves out the table of rules if there are none', () => {
    const failed = buildPlannedImage('web', { outcome: 'failed', reason: 'RemovalFailed', message: 'read-only' });
    const text = formatExplanation(buildPlanDocument([failed], { run: 'nightly-1' }), failed, plainScreen);
    expect(text).toContain('\nDecision: remove, failed, RemovalFailed: read-only');
    expect(text).not.toContain('RULE');
  });

  it('has the plan of the node for programs, with only this image', () => {
    const plan = buildPlanDocument([nginx, kept]);
    const { images: _images, totals: _totals, ...rest } = plan;
    expect(explain(plan, kept)).toEqual({ ...rest, image: kept });
  });
});
