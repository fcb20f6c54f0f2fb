import { formatBytes } from '../../../contract/bytes.ts';
import type { PolicyOverview, RunOverview } from '../../overview/overview.ts';
import { type Content, type Html, html } from '../html.ts';
import { links } from '../links.ts';
import { ageOf, countOf, durationOf, mark, outcomeOf, setMark, stateOf, timeFrom } from '../words.ts';
import { section, table } from './layout.ts';

/** The number of policies that the overview shows. */
const maxPolicies = 200;

/** All policies in a table, as `nodesweep status` shows them. */
export function policiesSection(policies: readonly PolicyOverview[], now: Date): Html {
  if (policies.length === 0)
    return section(
      'policies',
      'Policies',
      html`<p>There are no policies. A policy is a ConfigMap with the label <code>nodesweep.io/kind: policy</code>.</p>`,
    );
  const columns = [
    { title: 'Policy' },
    { title: 'State' },
    { title: 'Schedule', minor: true },
    { title: 'Next' },
    { title: 'Last run' },
    { title: 'Nodes', minor: true },
    { title: 'Freed', minor: true, isNumber: true },
  ];
  const rows = policies.slice(0, maxPolicies).map((policy) => rowOf(policy, now));
  const others = policies.length - maxPolicies;
  return section(
    'policies',
    'Policies',
    table('Policies with their last runs', columns, rows),
    others > 0 && html`<p>And ${others} more: <code>nodesweep status</code></p>`,
  );
}

function rowOf(policy: PolicyOverview, now: Date): readonly Content[] {
  const { nextSlot, runs } = policy;
  const [last] = runs;
  return [
    html`<a href="${links.policy(policy.policy)}">${policy.policy}</a>`,
    html`${mark(stateOf(policy))}${setMark(policy)}`,
    html`<code>${scheduleOf(policy)}</code>`,
    nextSlot === undefined ? '–' : timeFrom(now, nextSlot),
    last === undefined
      ? '–'
      : html`<a href="${links.run(last.run)}">${ageOf(last.startedAt, now)} ago</a> ${mark(outcomeOf(last))}${last.dryRun && ' (dry run)'}`,
    last === undefined ? '–' : describeNodes(last),
    last === undefined ? '–' : describeFreed(last),
  ];
}

/** The runs of a policy in a table, the newest first. */
export function runsTable(runs: readonly RunOverview[], now: Date): Html {
  const columns = [
    { title: 'Run' },
    { title: 'Started' },
    { title: 'Took', minor: true },
    { title: 'Outcome' },
    { title: 'Nodes', minor: true },
    { title: 'Images', minor: true },
    { title: 'Freed', minor: true, isNumber: true },
  ];
  const rows = runs.map((run) => [
    html`<a href="${links.run(run.run)}">${run.run}</a>`,
    timeFrom(now, run.startedAt),
    durationOf(run.startedAt, run.finishedAt ?? now),
    html`${mark(outcomeOf(run))}${run.dryRun && ' (dry run)'}`,
    describeNodes(run),
    describeImages(run),
    describeFreed(run),
  ]);
  return table('Runs that have a record', columns, rows);
}

export function scheduleOf({ schedule, timeZone }: PolicyOverview): string {
  if (schedule === undefined) return '–';
  return timeZone === undefined || timeZone === 'Etc/UTC' ? schedule : `${schedule} ${timeZone}`;
}

export function describeNodes({ nodes }: RunOverview): string {
  const others = (['failed', 'skipped', 'active', 'pending'] as const).filter((key) => nodes[key] > 0);
  return [
    `${countOf(nodes.succeeded)} of ${countOf(nodes.desired)}`,
    ...others.map((key) => `${countOf(nodes[key])} ${key}`),
  ].join(', ');
}

export function describeFreed({ bytes, dryRun }: RunOverview): string {
  if (bytes === undefined) return '–';
  return dryRun ? `would free ${formatBytes(bytes.nominal)}` : formatBytes(bytes.freed);
}

export function describeImages({ images, dryRun }: RunOverview): string {
  if (images === undefined) return '–';
  if ('wanted' in images) return `${countOf(images.present)} of ${countOf(images.wanted)} present`;
  return dryRun ? `${countOf(images.planned)} planned` : `${countOf(images.removed)} removed`;
}
