import type { Node, RunPod } from '../objects.ts';
import { resultOf } from '../run/progress.ts';
import { isNodeReplaced, type LastResult } from '../run/results/last-results.ts';
import type { NodeEnd } from '../run/results/node-end.ts';
import type { PrepullPolicy } from './policy.ts';
import { memoryOf } from './puller/memory.ts';
import { statesIn } from './states/by-reference.ts';
import { indexOfContainer } from './states/container-names.ts';
import { readImages } from './states/images-of-pod.ts';
import { imagesOf } from './wanted.ts';

/**
 * The seconds that the kubelet took for each image that the node did not have before: from the start of the container before
 * until the start of its own. The kubelet reports no time of a pull. It pulls one image of a pod after the other, and starts
 * the container of each as soon as it has the image. So the time has the pull, pauses after pulls that failed, and the creation
 * of the container. An image that was there without a run knowing it counts too.
 */
export function pullSecondsOf({ run, pod, node, before, lastResult }: NodeEnd): readonly number[] {
  if (pod?.kind !== 'puller' || memoryOf(before?.memory).holding !== undefined) return [];
  const had = presentBefore(node, lastResult);
  const images = imagesOf(run.spec as PrepullPolicy);
  const states = readImages(pod);
  return delaysOf(pod)
    .filter(({ index }) => states.get(index)?.state === 'Present' && !had.has(images[index] ?? ''))
    .map(({ seconds }) => seconds);
}

/**
 * The seconds from when a new node was ready until this run had brought all images to it; undefined for any other node. A node
 * is new if it was created after the run before, or while this run was active.
 */
export function newNodeSecondsOf({ run, node, progress, now }: NodeEnd): number | undefined {
  if (resultOf(progress) !== 'Succeeded' || node?.createdAt === undefined) return undefined;
  const since = run.trigger.type === 'Nodes' ? run.trigger.after : run.startedAt;
  if (node.createdAt <= since) return undefined;
  return Math.max(0, now.getTime() - node.readySince.getTime()) / 1_000;
}

/** The references of the images that were present on a node after an earlier run. A new machine of that name has none. */
export function presentBefore(node: Node | undefined, last: LastResult | undefined): ReadonlySet<string> {
  if (last !== undefined && node !== undefined && isNodeReplaced(node, last)) return new Set();
  const present = [...statesIn(last)].filter(([, { state }]) => state === 'Present');
  return new Set(present.map(([reference]) => reference));
}

function delaysOf({ containers = [], startDelays = [] }: RunPod): { index: number; seconds: number }[] {
  return containers.flatMap(({ name }, place) => {
    const index = indexOfContainer(name);
    const seconds = startDelays[place];
    return index === undefined || seconds === undefined ? [] : [{ index, seconds }];
  });
}
