import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxImagesPerPod, partsOf } from '../../../scheduler/prepull/puller/parts.ts';
import { imagesOf, pullableOn, type WantedImage, wantedOn } from '../../../scheduler/prepull/wanted.ts';
import { buildNode } from '../../helpers/builders.ts';
import { buildPrepull } from '../../helpers/prepull.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const secret = { imagePullSecrets: [{ name: 'reg' }] };
const policy = buildPrepull([
  { name: 'base', images: ['acme/b:1', 'acme/a:1'] },
  { name: 'ci', images: ['acme/c:1', 'acme/a:1'], nodes: { matchLabels: { pool: 'ci' } } },
  {
    name: 'gpu',
    images: ['acme/d:1', 'acme/b:1'],
    nodes: { matchLabels: { pool: 'gpu' }, includeUnschedulable: true },
  },
]);
const namesOf = (wanted: readonly WantedImage[]) => wanted.map(({ reference }) => reference.replace('docker.io/', ''));

describe('the images that a node should have', () => {
  it('are numbered by their place among all images of the policy', () => {
    expect(imagesOf(policy)).toEqual(['a', 'b', 'c', 'd'].map((name) => `docker.io/acme/${name}:1`));
    for (const { index, reference } of wantedOn(buildNode('n', { labels: { pool: 'gpu' } }), policy))
      expect(imagesOf(policy)[index]).toBe(reference);
  });

  it('are those of all lists that select it, each once, with the lists that want it (P13)', () => {
    expect(wantedOn(buildNode('n', { labels: { pool: 'ci' } }), policy)).toMatchObject([
      { index: 0, reference: 'docker.io/acme/a:1', lists: ['base', 'ci'] },
      { index: 1, reference: 'docker.io/acme/b:1', lists: ['base'] },
      { index: 2, reference: 'docker.io/acme/c:1', lists: ['ci'] },
    ]);
  });

  it('stay wanted while the node is cordoned or not ready, and are pulled only by lists that include it', () => {
    const cordoned = buildNode('n', { labels: { pool: 'gpu' }, unschedulable: true });
    expect(namesOf(wantedOn(cordoned, policy))).toEqual(['acme/a:1', 'acme/b:1', 'acme/d:1']);
    expect(namesOf(pullableOn(cordoned, policy))).toEqual(['acme/b:1', 'acme/d:1']);
    const notReady = buildNode('n', { labels: { pool: 'gpu' }, ready: false });
    expect(namesOf(wantedOn(notReady, policy))).toHaveLength(3);
    expect(pullableOn(notReady, policy)).toEqual([]);
  });

  it('have the pull policy of a container, except for a digest, which is pulled once (P23)', () => {
    const policies = (imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never') =>
      wantedOn(
        buildNode('n'),
        buildPrepull([
          {
            name: 'base',
            images: ['a', 'b:1', 'c:latest', `d@${digest}`, `e:latest@${digest}`],
            ...(imagePullPolicy && { imagePullPolicy }),
          },
        ]),
      ).map(({ pullPolicy }) => pullPolicy);
    expect(policies()).toEqual(['Always', 'IfNotPresent', 'Always', 'IfNotPresent', 'IfNotPresent']);
    expect(policies('Always')).toEqual(['Always', 'Always', 'Always', 'IfNotPresent', 'IfNotPresent']);
    expect(policies('IfNotPresent')).toEqual(Array(5).fill('IfNotPresent'));
    expect(policies('Never')).toEqual(Array(5).fill('Never'));
  });
});

describe('the parts of the images of a node', () => {
  const wanted = fc.array(fc.constantFrom<readonly string[]>([], ['a'], ['a', 'b']), { maxLength: 300 }).map((all) =>
    all.map(
      (secrets, index): WantedImage => ({
        index,
        reference: `docker.io/acme/a:${index}`,
        pullPolicy: 'IfNotPresent',
        secrets,
        lists: ['base'],
      }),
    ),
  );

  it('have all images once, few enough for a pod, with one set of secrets, in a fixed order (P24)', () => {
    fc.assert(
      fc.property(wanted, fc.integer(), (images, rotation) => {
        const parts = partsOf(images);
        expect(parts.flat().toSorted((one, other) => one.index - other.index)).toEqual(images);
        for (const part of parts) {
          expect(part.length).toBeGreaterThan(0);
          expect(part.length).toBeLessThanOrEqual(maxImagesPerPod);
          expect(new Set(part.map(({ secrets }) => secrets.join())).size).toBe(1);
        }
        const at = images.length === 0 ? 0 : Math.abs(rotation % images.length);
        expect(partsOf([...images.slice(at), ...images.slice(0, at)])).toEqual(parts);
      }),
    );
  });

  it('are as few as the limits allow (P24)', () => {
    const images = Array.from({ length: 70 }, (_, index) => `a:${index}`);
    const lists = [
      { name: 'base', images },
      { name: 'private', images: ['b:1', 'b:2'], ...secret },
    ];
    const parts = partsOf(wantedOn(buildNode('n'), buildPrepull(lists)));
    expect(parts.map(({ length }) => length)).toEqual([50, 20, 2]);
  });
});
