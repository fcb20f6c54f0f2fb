import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ImageOverview } from '../../scheduler/prepull/overview.ts';
import { buildImage, updateNode } from '../fixtures/simulated/node.ts';
import { buildReport } from '../helpers/builders.ts';
import { createNodes, type DemoNode, deployRelease, registryImages } from './nodes.ts';
import { findFlaws, findListFlaws } from './verdict.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verdict-'));
});

afterEach(() => rm(directory, { recursive: true }));

/** One node after the deployment, from which every image went whose name matches. */
function nodeWithout(pattern: RegExp): DemoNode[] {
  const nodes = createNodes(directory).slice(0, 1);
  for (const node of nodes) deployRelease(node);
  for (const { file } of nodes)
    updateNode(file, (node) => ({
      ...node,
      images: node.images.filter(({ repoTags }) => !pattern.test(repoTags[0] ?? '')),
    }));
  return nodes;
}

const unused = /ci:|shop:2\.[0-4]/;
const freeing = [{ node: 'node-1', images: [], report: buildReport() }];
const filesystem = { capacityBytes: 1000, usedBeforeBytes: 840, usedAfterBytes: 840 };
const idle = [{ node: 'node-1', images: [], report: buildReport({ filesystem }) }];

test.each([
  { title: 'nothing unused is left and nothing else is gone', gone: unused, runs: [freeing], flaws: [] },
  {
    title: 'a used image is gone',
    gone: /ci:|shop:/,
    runs: [freeing],
    flaws: ['node-1: docker.io/acme/shop:2.5 is gone, and must stay'],
  },
  {
    title: 'an excluded image is gone',
    gone: /ci:|shop:2\.[0-4]|base:/,
    runs: [freeing],
    flaws: ['node-1: docker.io/acme/base:24.04 is gone, and must stay'],
  },
  {
    title: 'an unused image is left',
    gone: /ci:|shop:2\.[0-3]/,
    runs: [freeing],
    flaws: ['node-1: docker.io/acme/shop:2.4 is unused and still there'],
  },
  { title: 'the disk did not go down', gone: unused, runs: [freeing, idle], flaws: ['node-1: run 2 freed nothing'] },
  { title: 'a node was left out', gone: unused, runs: [freeing, []], flaws: ['node-1: 1 of 2 runs happened'] },
])('$title: $flaws', ({ gone, runs, flaws }) => {
  expect(findFlaws(nodeWithout(gone), runs)).toEqual(flaws);
});

describe('the lists', () => {
  const names = Object.keys(registryImages);
  const overview = (image: string, present: number, failures: ImageOverview['failures'] = []): ImageOverview => ({
    image,
    lists: ['base'],
    nodes: { desired: 3, present, pulling: 0, stale: 0, failed: 3 - present, unknown: 0 },
    digests: [],
    failures,
  });
  const missing = { state: 'Failed', reason: 'NotFound', message: 'not found', count: 1, nodes: ['node-3'] } as const;
  const asTheyShould = [...names.map((name) => overview(name, 3)), overview('docker.io/acme/model:7', 0, [missing])];

  function nodesWith(images: readonly string[]): DemoNode[] {
    const nodes = createNodes(directory);
    for (const { file } of nodes)
      updateNode(file, (node) => ({
        ...node,
        images: [...node.images, ...images.map((image) => buildImage(image))],
      }));
    return nodes;
  }

  test('come out as they should', () => {
    expect(findListFlaws(nodesWith(names), asTheyShould)).toEqual([]);
  });

  test('do not, if a cleaning run has removed their images, or the status is wrong', () => {
    const [kept = '', gone = ''] = names;
    expect(findListFlaws(nodesWith([kept]).slice(0, 1), asTheyShould)[0]).toBe(
      `node-1: ${gone} is in a list, and is missing`,
    );
    const wrong = [overview(kept, 2), overview('docker.io/acme/model:7', 0)];
    expect(findListFlaws(nodesWith(names), wrong)).toEqual([
      `${kept} is not shown as present on all nodes`,
      'docker.io/acme/model:7 is not shown as missing',
    ]);
  });
});
