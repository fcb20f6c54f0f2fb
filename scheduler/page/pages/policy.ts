import { describePolicies, describeRun } from '../../overview/overview.ts';
import { isFinished } from '../../run/run.ts';
import type { PageFacts } from '../facts.ts';
import { html } from '../html.ts';
import { links } from '../links.ts';
import { causeList } from '../parts/causes.ts';
import { imageTable } from '../parts/image-table.ts';
import { definitions, type Page, section, table } from '../parts/layout.ts';
import { paged } from '../parts/paging.ts';
import { runsTable, scheduleOf } from '../parts/policies.ts';
import { runProgress } from '../parts/progress.ts';
import { causesOf } from '../view/causes.ts';
import { mark, setMark, stateOf, timeFrom } from '../words.ts';

/** A policy: its state, its conditions, its runs, the causes in the newest one, and the images of its lists. */
export function policyPage({ state, kinds, now }: PageFacts, name: string, page: number): Page | undefined {
  const runs = state.runs
    .map(({ value }) => value)
    .filter(({ policy }) => policy === name)
    .sort((one, other) => other.startedAt.getTime() - one.startedAt.getTime());
  const [policy] = describePolicies(
    { ...state, policies: state.policies.filter((object) => object.name === name) },
    kinds,
  );
  if (policy === undefined && runs.length === 0) return undefined;
  const [newest] = runs;
  const causes = newest === undefined ? [] : causesOf(newest);
  const active = runs.filter((run) => !isFinished(run));
  const images = paged(policy?.images ?? [], page, 'image', (number) => `${links.policy(name)}?page=${number}`);
  const body = html`${
    policy === undefined
      ? html`<p>The policy is deleted. Its runs are still on record.</p>`
      : definitions([
          ['State', html`${mark(stateOf(policy))}${setMark(policy)}`],
          ['Schedule', html`<code>${scheduleOf(policy)}</code>`],
          ['Next run', policy.nextSlot === undefined ? '–' : timeFrom(now, policy.nextSlot)],
        ])
  }
${policy !== undefined && policy.problems.length > 0 && section('problems', 'Problems', html`<ul>${policy.problems.map(({ path, message }) => html`<li>${path !== '' && html`<code>${path}</code>: `}${message}</li>`)}</ul>`)}
${
  policy !== undefined &&
  policy.conditions.length > 0 &&
  section(
    'conditions',
    'Conditions',
    table(
      'Conditions of the policy',
      [
        { title: 'Condition' },
        { title: 'Status' },
        { title: 'Reason', minor: true },
        { title: 'Message' },
        { title: 'Since', minor: true },
      ],
      policy.conditions.map(({ type, status, reason, message, lastTransitionTime }) => [
        type,
        status,
        reason,
        html`<span class="message">${message.slice(0, 1_000)}</span>`,
        timeFrom(now, lastTransitionTime),
      ]),
    ),
  )
}
${
  active.length > 0 &&
  section(
    'active',
    'Runs in progress',
    active.map((run) => runProgress(run, now)),
  )
}
${section('runs', 'Runs', runs.length === 0 ? html`<p>There are no records of runs.</p>` : runsTable(runs.map(describeRun), now))}
${causes.length > 0 && section('causes', 'Causes in the newest run', causeList(causes, 'the nodes of the run'))}
${images.items.length > 0 && section('images', 'Images of its lists', imageTable(images.items.map((overview) => ({ policy: name, overview }))), images.links)}`;
  return { title: name, body };
}
