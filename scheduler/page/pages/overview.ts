import { formatBytes } from '../../../contract/bytes.ts';
import { describePolicies, type PolicyOverview } from '../../overview/overview.ts';
import { isFinished, type Run } from '../../run/run.ts';
import type { PageFacts } from '../facts.ts';
import { type Html, html } from '../html.ts';
import { links } from '../links.ts';
import { causeList } from '../parts/causes.ts';
import { describeThresholds, diskBar, trend } from '../parts/disk-bar.ts';
import { healthSection } from '../parts/health.ts';
import { imageTable, type ListedImage, missingOn } from '../parts/image-table.ts';
import { nodeLink, type Page, section, table } from '../parts/layout.ts';
import { policiesSection } from '../parts/policies.ts';
import { runProgress } from '../parts/progress.ts';
import { byWeight, causesOf } from '../view/causes.ts';
import { keptByReason, measuresOn, type NodeDisk, nodeDisks } from '../view/disks.ts';
import { countOf, plural } from '../words.ts';

/** The numbers of things that the overview shows. The others are on pages of their own. */
const maxActiveRuns = 10;
const maxNodes = 15;
const maxImages = 30;

/** The first page: what an operator wants to know at a glance. */
export function overviewPage(facts: PageFacts): Page {
  const { state, kinds, now } = facts;
  const runs = state.runs.map(({ value }) => value);
  const policies = describePolicies(state, kinds, 1);
  const present = new Set(state.nodes.map(({ name }) => name));
  const disks = nodeDisks(runs).filter(({ node }) => present.has(node));
  const body = html`${healthSection(facts)}
${activeSection(runs, now)}
${policiesSection(policies, now)}
${disksSection(disks, runs, state.nodes.length)}
${causesSection(runs)}
${keptSection(disks)}
${imagesSection(policies)}`;
  return { title: 'Overview', body };
}

function activeSection(runs: readonly Run[], now: Date): Html {
  const active = runs
    .filter((run) => !isFinished(run))
    .sort((one, other) => other.startedAt.getTime() - one.startedAt.getTime());
  if (active.length === 0) return section('active', 'Runs in progress', html`<p>No run is in progress.</p>`);
  return section(
    'active',
    'Runs in progress',
    active.slice(0, maxActiveRuns).map((run) => runProgress(run, now)),
  );
}

function disksSection(disks: readonly NodeDisk[], runs: readonly Run[], nodeCount: number): Html {
  if (disks.length === 0)
    return section(
      'disks',
      'Fullest nodes',
      html`<p>No run has measured a disk yet. <a href="${links.nodes}">All ${plural(nodeCount, 'node')}</a></p>`,
    );
  return section(
    'disks',
    'Fullest nodes',
    disksTable(disks.slice(0, maxNodes), runs),
    html`<p><a href="${links.nodes}">All ${plural(nodeCount, 'node')}</a></p>`,
  );
}

/** Nodes with the usage of their disks, as the newest run has left it. */
function disksTable(disks: readonly NodeDisk[], runs: readonly Run[]): Html {
  const columns = [
    { title: 'Node' },
    { title: 'Disk' },
    { title: 'Last runs', minor: true },
    { title: 'Target', minor: true, isNumber: true },
  ];
  const rows = disks.map(({ node, newest }) => [
    nodeLink(node),
    diskBar(newest),
    trend(measuresOn(node, runs)),
    describeThresholds(newest),
  ]);
  return table('The fullest nodes, as the newest run has left them', columns, rows);
}

/** The causes in the newest run of each policy. */
function causesSection(runs: readonly Run[]): Html {
  const newest = [...Map.groupBy(runs, ({ policy }) => policy).values()].flatMap(
    (ofPolicy) => ofPolicy.toSorted((one, other) => other.startedAt.getTime() - one.startedAt.getTime())[0] ?? [],
  );
  const causes = newest.flatMap(causesOf).sort(byWeight);
  if (causes.length === 0) return section('causes', 'Causes', html`<p>The newest runs had no problem.</p>`);
  return section('causes', 'Causes', causeList(causes, 'the pages of the policies'));
}

function keptSection(disks: readonly NodeDisk[]): Html {
  const kept = keptByReason(disks);
  if (kept.length === 0) return section('kept', 'What keeps disk', html`<p>No run has reported images that stay.</p>`);
  const largest = Math.max(1, kept[0]?.bytes ?? 1);
  const rows = kept.map(({ reason, bytes, nodes }) => [
    reason,
    html`<span class="disk"><svg class="bar plain" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="used" width="${Math.round((bytes * 100) / largest)}" height="10"/></svg> <span>${formatBytes(bytes)}</span></span>`,
    countOf(nodes),
  ]);
  const columns = [{ title: 'Reason' }, { title: 'Images' }, { title: 'Nodes', isNumber: true }];
  return section(
    'kept',
    'What keeps disk',
    html`<p>Images that stay on nodes after their newest run. Layers that images share count for each of them.</p>`,
    table('Images that stay, by reason', columns, rows),
  );
}

/** The images that most nodes miss first. */
function imagesSection(policies: readonly PolicyOverview[]): Html {
  const images = policies
    .flatMap(({ policy, images = [] }) => images.map((overview): ListedImage => ({ policy, overview })))
    .sort((one, other) => missingOn(other.overview) - missingOn(one.overview));
  if (images.length === 0) return section('images', 'Image lists', html`<p>No policy keeps images on nodes.</p>`);
  const others = images.length - maxImages;
  return section(
    'images',
    'Image lists',
    imageTable(images.slice(0, maxImages)),
    others > 0 && html`<p>And ${plural(others, 'more image')}: see the pages of the policies.</p>`,
  );
}
