import type { Judgement } from '../run/kind.ts';
import type { Run } from '../run/run.ts';
import { type ImageOverview, imageOverviews } from './overview.ts';
import type { PrepullPolicy } from './policy.ts';

/**
 * The condition Present of a policy: true while all of its images are on all nodes that its runs have tried, and were pulled again
 * where that is asked.
 */
export function judgePresence(policy: PrepullPolicy, runs: readonly Run[]): Judgement | undefined {
  const images = imageOverviews(policy, runs);
  const wanted = images.reduce((sum, { nodes }) => sum + nodes.desired, 0);
  const present = images.reduce((sum, { nodes }) => sum + nodes.present, 0);
  if (wanted === 0) return undefined;
  const count = `${present} of ${wanted} images are present, counted on each node`;
  if (present === wanted) return { status: 'True', reason: 'AllPresent', message: count };
  const stale = images.reduce((sum, { nodes }) => sum + nodes.stale, 0);
  const reason = present + stale === wanted ? 'ImagesStale' : 'ImagesMissing';
  const outdated = stale === 0 ? [] : [`${stale} more are there, but could not be pulled again`];
  return { status: 'False', reason, message: [count, ...outdated, ...images.flatMap(describeFailures)].join('; ') };
}

function describeFailures({ image, failures }: ImageOverview): string[] {
  return failures.map(({ reason, message, count, nodes }) => {
    const where = count > nodes.length ? `${nodes.join(', ')} and ${count - nodes.length} others` : nodes.join(', ');
    return [`${image}: ${reason} on ${where}`, message].filter((part) => part !== undefined).join(': ');
  });
}
