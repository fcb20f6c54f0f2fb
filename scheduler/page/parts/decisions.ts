import { formatBytes } from '../../../contract/bytes.ts';
import { parseReport } from '../../../contract/report.ts';
import { cleanerContainer } from '../../cleanup/pod.ts';
import type { RunPod } from '../../objects.ts';
import { prepull } from '../../prepull/kind.ts';
import type { Run } from '../../run/run.ts';
import type { CleanerLog } from '../cleaner-log.ts';
import type { PageFacts } from '../facts.ts';
import { type Content, type Html, html } from '../html.ts';
import { links } from '../links.ts';
import { type Decision, readDecisions } from '../view/decisions.ts';
import { ageOf, causeOf, mark, shortReference, type Tone } from '../words.ts';
import { section, table } from './layout.ts';
import { paged } from './paging.ts';

/** The number of pods of a node whose logs and errors are shown. */
const maxPods = 3;

const withoutLog = {
  Cluster:
    'No cleaner that has ended has a pod on this node now. The log of such a pod has each image with size, times, decision and reason.',
  Local: 'The scheduler keeps only the sums.',
} as const;

/** The images of a node with the decisions of its last cleaner, and the commands that show more. */
export function decisionsSection(facts: PageFacts, runs: readonly Run[], node: string, page: number): Html {
  const { state, place, log, now } = facts;
  const pods = state.pods
    .filter((pod) => pod.node === node && pod.kind === 'cleaner')
    .toSorted((one, other) => other.createdAt.getTime() - one.createdAt.getTime())
    .slice(0, maxPods);
  const policies = [...new Set(runs.filter(({ kind }) => kind.name !== prepull.name).map(({ policy }) => policy))];
  const commands =
    place.kind === 'Cluster'
      ? clusterCommands(pods, policies, node, place.namespace)
      : html`<li>The log of <code>nodesweep local</code> has the lines of the cleaners.</li>`;
  return section(
    'decisions',
    'Images and decisions',
    log === undefined ? html`<p>${withoutLog[place.kind]}</p>` : decisionsOf(log, node, page, now),
    html`<ul>${commands}</ul>`,
    log?.text === undefined && pods.map(errorsOf),
  );
}

function decisionsOf(log: CleanerLog, node: string, page: number, now: Date): Content {
  const run = html`run <a href="${links.run(log.run)}">${log.run}</a>`;
  if (log.text === undefined)
    return html`<p>The log of the cleaner of ${run} can not be read: ${log.problem ?? 'it is gone'}</p>`;
  const { images, isComplete } = readDecisions(log.text);
  if (images.length === 0) return html`<p>The log of the cleaner of ${run} has no image.</p>`;
  const { items, links: pages } = paged(images, page, 'image', (number) => `${links.node(node)}?page=${number}`);
  const columns = [
    { title: 'Image' },
    { title: 'Size', minor: true, isNumber: true },
    { title: 'First seen', minor: true },
    { title: 'Last used', minor: true },
    { title: 'Decision' },
    { title: 'Cause', minor: true },
  ];
  return [
    html`<p>As the cleaner of ${run} has left them, removals first.${!isComplete && ' Its log is not complete, so images are missing here.'}</p>`,
    table(
      'Images of the node with decisions',
      columns,
      items.map((item) => rowOf(item, now)),
    ),
    pages,
  ];
}

function rowOf(decision: Decision, now: Date): readonly Content[] {
  const { id, names, sizeBytes, firstSeen, lastUsed, reason, message } = decision;
  const [name = `${id.slice(0, 19)}… without a name`, ...others] = names;
  const size = formatBytes(sizeBytes);
  return [
    html`<span class="reference">${shortReference(name)}${others.length > 0 && html` <span class="more">and ${others.length} more</span>`}</span> <span class="more brief">${size}${wordsOfSet(decision)}</span>`,
    size,
    agoOf(firstSeen, now),
    agoOf(lastUsed, now),
    html`${markOf(decision)} <span class="more brief">${reason ?? ''}</span>`,
    causeOf({ reason, message }),
  ];
}

/** The image set that decided, with its reason, where a narrow screen leaves out the cause. */
function wordsOfSet({ set, message = `image set ${set}` }: Decision): Content {
  return set !== undefined && `; ${message}`;
}

function agoOf(time: Date | undefined, now: Date): Content {
  return time === undefined ? '–' : html`<time datetime="${time.toISOString()}">${ageOf(time, now)} ago</time>`;
}

const tones: Readonly<Record<string, Tone>> = { removed: 'good', planned: 'calm', failed: 'bad' };

function markOf({ decision, outcome }: Decision): Html {
  if (decision === 'keep') return mark('kept', 'calm');
  return mark(outcome ?? 'planned', tones[outcome ?? 'planned'] ?? 'warn');
}

function clusterCommands(
  pods: readonly RunPod[],
  policies: readonly string[],
  node: string,
  namespace: string,
): Html[] {
  if (policies.length === 0 && pods.length === 0)
    return [html`<li>No run has cleaned this node yet: <code>nodesweep run POLICY -n ${namespace}</code></li>`];
  return [
    ...policies.map((policy) => html`<li><code>nodesweep plan ${policy} --node ${node} -n ${namespace}</code></li>`),
    ...pods.map(
      (pod) =>
        html`<li><code>kubectl logs -n ${namespace} ${pod.name} -c ${cleanerContainer}</code> (run <a href="${links.run(pod.run)}">${pod.run}</a>)</li>`,
    ),
  ];
}

/** The images with errors in the report of a cleaner whose pod is still there. */
function errorsOf(pod: RunPod): Html | undefined {
  const errors = parseReport(pod.containerMessage ?? '')?.errors.filter(({ image }) => image !== undefined) ?? [];
  if (errors.length === 0) return undefined;
  const rows = errors.map(({ image, reason, message }) => [
    html`<span class="reference">${image}</span>`,
    causeOf({ reason, message }),
  ]);
  const title = `Images with errors in run ${pod.run}`;
  return html`<h3>${title}</h3>
${table(title, [{ title: 'Image' }, { title: 'Cause' }], rows)}`;
}
