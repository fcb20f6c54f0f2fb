import { expect, it } from 'vitest';
import { cleanup } from '../../../scheduler/cleanup/kind.ts';
import type { CleanupDocument } from '../../../scheduler/cleanup/policy.ts';
import type { PrepullDocument } from '../../../scheduler/prepull/policy.ts';
import { warningsOf } from '../../../scheduler/prepull/warnings.ts';
import { buildSpec } from '../../helpers/builders.ts';
import { buildPrepull } from '../../helpers/prepull.ts';

const digest = `sha256:${'a'.repeat(64)}`;

function warnings(
  lists: PrepullDocument['lists'],
  document: Partial<PrepullDocument> = {},
  cleanups: Readonly<Record<string, Partial<CleanupDocument>>> = {},
): readonly string[] {
  const others = Object.entries(cleanups).map(([name, fields]) => ({
    name,
    kind: cleanup,
    document: fields,
    policy: buildSpec(fields),
  }));
  return warningsOf(buildPrepull(lists, document), others).map(({ path, message }) => `${path}: ${message}`);
}

it('warns of images with a tag that moves', () => {
  const images = ['acme/a', 'acme/b:latest', 'acme/c:1', `acme/d@${digest}`, `acme/e:latest@${digest}`];
  expect(warnings([{ name: 'base', images }])).toEqual([
    expect.stringMatching(/^lists\[0\]\.images\[0\]: has the tag latest/),
    expect.stringMatching(/^lists\[0\]\.images\[1\]: has the tag latest/),
  ]);
});

it('warns of a digest with Always, which is still pulled only once (P23)', () => {
  const images = [`acme/a@${digest}`, 'acme/b:1'];
  expect(warnings([{ name: 'base', images, imagePullPolicy: 'Always' }])).toEqual([
    expect.stringMatching(/^lists\[0\]\.images\[0\]: has a digest and is pulled once/),
  ]);
  expect(warnings([{ name: 'base', images, imagePullPolicy: 'IfNotPresent' }])).toEqual([]);
});

it('warns of a disk usage at which kubelets remove images', () => {
  const lists = [{ name: 'base', images: ['acme/a:1'] }];
  expect(warnings(lists, { disk: { maxPercent: 84 } })).toEqual([]);
  for (const maxPercent of [85, 100])
    expect(warnings(lists, { disk: { maxPercent } })).toEqual([expect.stringMatching(/^disk\.maxPercent: .*below 85/)]);
});

it('warns of a startup taint that stays longer than autoscalers wait, or that waits for a scheduled time (P22)', () => {
  const lists = [{ name: 'base', images: ['acme/a:1'] }];
  expect(warnings(lists, { startupTaint: {} })).toEqual([]);
  expect(warnings(lists, { startupTaint: { timeoutSeconds: 900 }, newNodes: false })).toEqual([
    expect.stringMatching(/^startupTaint\.timeoutSeconds: is not below 900/),
    expect.stringMatching(/^newNodes: .*leave newNodes out/),
  ]);
  expect(warnings(lists, { newNodes: false })).toEqual([]);
});

it('warns of images that a cleanup policy of the same file includes on the same nodes', () => {
  const lists = [{ name: 'base', images: ['acme/a:1', 'other/b:1'], nodes: { matchLabels: { pool: 'ci' } } }];
  const all = /^lists\[0\]\.images\[0\]: is also included by nightly.*Prepulled/;
  expect(warnings(lists, {}, { nightly: { images: { include: ['**/acme/**'] } } })).toEqual([
    expect.stringMatching(all),
  ]);
  expect(warnings(lists, {}, { nightly: {}, weekly: {} })).toEqual([
    expect.stringMatching(/images\[0\]: is also included by nightly and weekly/),
    expect.stringMatching(/images\[1\]: is also included by nightly and weekly/),
  ]);
  expect(warnings(lists, {}, { nightly: { images: { exclude: ['acme/a', '**/other/*'] } } })).toEqual([]);
  expect(warnings(lists, {}, { nightly: { nodes: { matchLabels: { pool: 'db' } } } })).toEqual([]);
});
