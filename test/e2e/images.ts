import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterNode } from '../cluster/node.ts';
import {
  buildImageSpec,
  buildImageSpecs,
  buildRunnableImageSpec,
  fillerLayers,
  writeImages,
} from '../helpers/images.ts';

/** All that a node is given: 30 images, of which some are used, and one is excluded by the policy. */
export interface Fixture {
  /** Names of images that must stay, by why. */
  readonly keep: Readonly<
    Record<'running' | 'exited' | 'twoTags' | 'otherTag' | 'usedByTag' | 'usedByDigest' | 'excluded', string>
  >;
  /** Names of images that must go. */
  readonly remove: readonly string[];
}

/** Puts 30 images on a node. `program` is the static executable they run. */
export async function importFixture(node: ClusterNode, program: string): Promise<Fixture> {
  const keep = {
    running: 'registry.test/app/running:1',
    exited: 'registry.test/app/exited:1',
    twoTags: 'registry.test/app/two:1',
    otherTag: 'registry.test/other/two:stable',
    usedByTag: 'registry.test/app/tagged:1',
    excluded: 'registry.test/base/kept:1',
  };
  const runnable = await Promise.all([
    buildRunnableImageSpec(keep.running, program),
    buildRunnableImageSpec(keep.exited, program, ['true']),
    buildRunnableImageSpec(keep.twoTags, program),
    buildRunnableImageSpec(keep.usedByTag, program),
    buildRunnableImageSpec('registry.test/app/digested:1', program),
  ]);
  const [running, exited, two, tagged, digested] = runnable;
  const unused = buildImageSpecs('registry.test/junk/image', 24);
  const specs = [
    running,
    exited,
    { ...two, names: [keep.twoTags, keep.otherTag] },
    tagged,
    { ...digested, names: [], digestRepositories: ['registry.test/app/digested'] },
    buildImageSpec({ names: [keep.excluded], layers: fillerLayers('excluded') }),
    ...unused,
  ];
  const directory = await mkdtemp(join(tmpdir(), 'nodesweep-e2e-'));
  try {
    const tar = join(directory, 'images.tar');
    const written = await writeImages(
      tar,
      specs.filter((spec) => spec !== undefined),
    );
    await node.importImages(tar);
    const usedByDigest =
      written.flatMap(({ names }) => names).find((name) => name.startsWith('registry.test/app/digested@')) ?? '';
    return { keep: { ...keep, usedByDigest }, remove: unused.flatMap(({ names }) => names) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The names of the images on a node, as its runtime tells them itself. */
export async function readImageNames(node: ClusterNode): Promise<string[]> {
  return (await node.ctr('images', 'ls', '-q'))
    .split('\n')
    .filter((name) => name !== '')
    .sort();
}

/** A pod on a node that runs an image as it is. */
export function buildUserPod(name: string, node: string, image: string, restartPolicy = 'Always'): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      nodeName: node,
      restartPolicy,
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image, imagePullPolicy: 'Never' }],
    },
  };
}
