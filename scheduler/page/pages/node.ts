import { formatBytes } from '../../../contract/bytes.ts';
import { prepull } from '../../prepull/kind.ts';
import { imagesOn } from '../../prepull/overview.ts';
import type { ImageState } from '../../prepull/states/image-state.ts';
import type { Run } from '../../run/run.ts';
import type { PageFacts } from '../facts.ts';
import { type Html, html } from '../html.ts';
import { links } from '../links.ts';
import { decisionsSection } from '../parts/decisions.ts';
import { describeThresholds, diskBar } from '../parts/disk-bar.ts';
import { definitions, type Page, section, table } from '../parts/layout.ts';
import { nodesInRun } from '../view/causes.ts';
import { keptBytesOf, measuresOn } from '../view/disks.ts';
import { causeOf, mark, shortReference, timeFrom } from '../words.ts';
import { stateOf } from './nodes.ts';

/** A node: its disk after each run, the results of the runs there, and its images as far as the scheduler knows them. */
export function nodePage(facts: PageFacts, name: string, page: number): Page | undefined {
  const { state, now } = facts;
  const node = state.nodes.find((candidate) => candidate.name === name);
  const runs = state.runs
    .map(({ value }) => value)
    .filter((run) => run.nodes.has(name))
    .sort((one, other) => other.startedAt.getTime() - one.startedAt.getTime());
  if (node === undefined && runs.length === 0) return undefined;
  const facing = node && [
    ['State', stateOf(node)] as const,
    ['Runtime', node.containerRuntimeVersion || 'unknown'] as const,
    ['System', [node.osImage, node.operatingSystem].filter(Boolean).join(', ') || 'unknown'] as const,
  ];
  const body = html`${facing === undefined ? html`<p>The node is not in the cluster any more. Its runs are still on record.</p>` : definitions(facing)}
${diskSection(runs, name, now)}
${resultsSection(runs, name, now)}
${imagesSection(
  state.runs.map(({ value }) => value),
  name,
)}
${decisionsSection(facts, runs, name, page)}`;
  return { title: name, body };
}

function diskSection(runs: readonly Run[], name: string, now: Date): Html {
  const measures = measuresOn(name, runs);
  const newest = measures.at(-1);
  if (newest === undefined) return section('disk', 'Disk', html`<p>No run has measured the disk of this node yet.</p>`);
  const columns = [
    { title: 'Run' },
    { title: 'When' },
    { title: 'Before', minor: true, isNumber: true },
    { title: 'After' },
    { title: 'Target', minor: true, isNumber: true },
  ];
  const rows = measures
    .toReversed()
    .map((measure) => [
      html`<a href="${links.run(measure.run)}">${measure.run}</a>`,
      timeFrom(now, measure.at),
      `${Math.round(measure.beforePercent)} %`,
      diskBar(measure),
      describeThresholds(measure),
    ]);
  const kept = keptBytesOf(newest.disk).toSorted(([, one], [, other]) => other - one);
  return section(
    'disk',
    'Disk',
    table('Disk usage before and after each run', columns, rows),
    kept.length > 0 &&
      html`<p>${newest.disk.keptBytes !== undefined && 'The disk is above its target. '}These images stay: ${kept.map(([reason, bytes], index) => `${index > 0 ? ', ' : ''}${reason} ${formatBytes(bytes)}`)}.</p>`,
  );
}

function resultsSection(runs: readonly Run[], name: string, now: Date): Html {
  const columns = [{ title: 'Run' }, { title: 'Started', minor: true }, { title: 'State' }, { title: 'Cause' }];
  const rows = runs.flatMap((run) => {
    const found = run.nodes.get(name);
    if (found === undefined) return [];
    const [own] = nodesInRun({ ...run, nodes: new Map([[name, found]]) });
    if (own === undefined) return [];
    return [
      [
        html`<a href="${links.run(run.name)}">${run.name}</a>`,
        timeFrom(now, run.startedAt),
        mark(own.state),
        causeOf(own),
      ],
    ];
  });
  return section(
    'results',
    'Runs on this node',
    rows.length === 0
      ? html`<p>No run on record has tried this node.</p>`
      : table('Results of runs on this node', columns, rows),
  );
}

/** The images that lists keep on the node. */
function imagesSection(runs: readonly Run[], name: string): Html | undefined {
  const byPolicy = Map.groupBy(
    runs.filter(({ kind }) => kind.name === prepull.name),
    ({ policy }) => policy,
  );
  const rows = [...byPolicy].flatMap(([policy, ofPolicy]) =>
    imagesOn(name, ofPolicy).map(({ image, state }) => [
      html`<a class="reference" href="${links.image(policy, image)}">${shortReference(image)}</a>`,
      mark(state.state),
      html`<span class="message">${describeState(state)}</span>`,
    ]),
  );
  if (rows.length === 0) return undefined;
  return section(
    'images',
    'Images of lists',
    table(
      'Images that lists keep on this node',
      [{ title: 'Image' }, { title: 'State' }, { title: 'Cause or digest', minor: true }],
      rows,
    ),
  );
}

/** The cause of a state, or the digest. */
export function describeState(state: ImageState): string {
  switch (state.state) {
    case 'Present':
      return state.digest ?? '–';
    case 'Failed':
    case 'Stale':
      return [state.cause.reason, state.cause.message].filter(Boolean).join(': ');
    case 'Pulling':
    case 'Unknown':
      return '–';
    default:
      return state satisfies never;
  }
}
