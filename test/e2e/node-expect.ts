import { expect } from 'vitest';
import type { TestNode } from '../helpers/test-node.ts';
import type { CleanResult } from './node-clean.ts';

/** The images are listed, and whole: a container of each can still be started. */
export async function expectIntact(node: TestNode, images: readonly { readonly id: string }[]): Promise<void> {
  await expectPresent(node, images);
  for (const { id } of images) await node.runPod(id);
}

export async function expectPresent(node: TestNode, images: readonly { readonly id: string }[]): Promise<void> {
  const present = await node.imageIds();
  expect(images.filter(({ id }) => !present.has(id))).toEqual([]);
}

export async function expectGone(node: TestNode, images: readonly { readonly id: string }[]): Promise<void> {
  const present = await node.imageIds();
  expect(images.filter(({ id }) => present.has(id))).toEqual([]);
}

/** Of every image that was there the cleaner told one thing, and that is how it is now. */
export async function expectTold({ images }: CleanResult, node: TestNode, before: ReadonlySet<string>): Promise<void> {
  expect(images.map(({ id }) => id).sort()).toEqual([...before].sort());
  const present = await node.imageIds();
  const isWrong = ({ id, decision, outcome }: CleanResult['images'][number]) =>
    outcome === 'removed' ? present.has(id) : (decision === 'keep' || outcome !== 'unknown') && !present.has(id);
  expect(images.filter(isWrong)).toEqual([]);
}
