import type { ImageOverview } from '../../scheduler/prepull/overview.ts';
import { type DemoNode, imageNames, protectedImages, registryImages, usedNames } from './nodes.ts';
import type { NodeResult } from './run.ts';

/** The points in which the story did not come out as it should; read back from the nodes, not from what the cleaner says. */
export function findFlaws(nodes: readonly DemoNode[], runs: readonly (readonly NodeResult[])[]): string[] {
  return nodes.flatMap((node) => [...missingImages(node), ...leftovers(node), ...flawsOfRuns(node, runs)]);
}

/**
 * The points in which the lists did not come out as they should, after a cleaning run: the nodes must have what the registry
 * has, and the status must say what it does not have.
 */
export function findListFlaws(nodes: readonly DemoNode[], images: readonly ImageOverview[]): string[] {
  const names = Object.keys(registryImages);
  const gone = nodes.flatMap((node) =>
    names
      .filter((name) => !imageNames(node).includes(name))
      .map((name) => `${node.name}: ${name} is in a list, and is missing`),
  );
  return [...gone, ...images.flatMap((image) => flawsOfImage(image, nodes.length))];
}

function flawsOfImage({ image, nodes, failures }: ImageOverview, count: number): string[] {
  if (image in registryImages) return nodes.present === count ? [] : [`${image} is not shown as present on all nodes`];
  return failures.some(({ reason }) => reason === 'NotFound') ? [] : [`${image} is not shown as missing`];
}

function missingImages(node: DemoNode): string[] {
  const wanted = new Set([...usedNames(node), ...protectedImages.flatMap(({ repoTags }) => repoTags)]);
  const present = new Set(imageNames(node));
  return [...wanted].filter((name) => !present.has(name)).map((name) => `${node.name}: ${name} is gone, and must stay`);
}

/** Whatever was there before the first run and unused has to be gone. */
function leftovers(node: DemoNode): string[] {
  const old = imageNames(node).filter((name) => /shop:2\.[0-4]$|ci:1\d\d$/.test(name));
  return old.map((name) => `${node.name}: ${name} is unused and still there`);
}

function flawsOfRuns({ name }: DemoNode, runs: readonly (readonly NodeResult[])[]): string[] {
  const results = runs.flatMap((run) => run.filter(({ node }) => node === name));
  if (results.length !== runs.length) return [`${name}: ${results.length} of ${runs.length} runs happened`];
  return results.flatMap(({ report: { filesystem } }, index) =>
    filesystem.usedAfterBytes < filesystem.usedBeforeBytes ? [] : [`${name}: run ${index + 1} freed nothing`],
  );
}
