import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { updateNode } from '../fixtures/simulated/node.ts';
import { buildReport } from '../helpers/builders.ts';
import { createNodes, type DemoNode, deployRelease } from './nodes.ts';
import { findFlaws } from './verdict.ts';

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
