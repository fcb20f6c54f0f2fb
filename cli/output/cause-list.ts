import type { Cause } from '../../scheduler/overview/causes.ts';
import type { RunOverview } from '../../scheduler/overview/overview.ts';
import type { ImageFailure, ImageOverview } from '../../scheduler/prepull/overview.ts';
import { formatSentence } from './layout/paragraph.ts';
import type { Screen } from './layout/screen.ts';
import { countNodes, listNodes } from './list-nodes.ts';

/** The reasons why nodes of a run failed or were skipped, and the remarks of others: a sentence for each. */
export function formatCauses({ run, causes }: RunOverview, screen: Screen): string[] {
  const byResult = Object.entries(Object.groupBy(causes, ({ result }) => result));
  return byResult.flatMap(([result, some = []]) => [
    '',
    formatSentence(`${titleOf(result)} of ${run}:`, screen),
    ...some.map((cause) => formatSentence(describeCause(cause), screen)),
  ]);
}

function titleOf(result: string): string {
  return result === 'Succeeded' ? 'Nodes that succeeded with a remark' : `${result} nodes`;
}

function describeCause({ reason, message, isExact, count, nodes }: Cause): string {
  const what = [reason, message].filter(Boolean).join(': ') || 'the cause is unknown';
  return `${countNodes(count)} ${what} (${isExact ? '' : 'in the words of the first: '}${listNodes(nodes, count)})`;
}

/** The reasons why images of lists could not be pulled: a sentence for each image and reason. */
export function formatImageFailures(images: readonly ImageOverview[], screen: Screen): string[] {
  const failures = images.flatMap(({ image, failures }) => failures.map((failure) => ({ image, failure })));
  const { Failed = [], Stale = [] } = Object.groupBy(failures, ({ failure }) => failure.state);
  const format = (title: string, some: typeof failures) =>
    some.length === 0
      ? []
      : ['', title, ...some.map(({ image, failure }) => formatSentence(describeFailure(image, failure), screen))];
  return [
    ...format('Images that could not be pulled:', Failed),
    ...format('Images that are there, but could not be pulled again:', Stale),
  ];
}

function describeFailure(image: string, { reason, message, count, nodes }: ImageFailure): string {
  const what = [reason, message].filter(Boolean).join(': ');
  return `${image}: ${countNodes(count)} ${what} (${listNodes(nodes, count)})`;
}
