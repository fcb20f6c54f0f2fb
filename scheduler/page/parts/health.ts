import type { PageFacts } from '../facts.ts';
import { type Html, html } from '../html.ts';
import { mark } from '../words.ts';
import { definitions, section } from './layout.ts';

const leaders = {
  This: ['this scheduler', 'good'],
  Other: ['another scheduler', 'good'],
  Unknown: ['unknown: the lease can not be read', 'bad'],
} as const;

/** The health of the scheduler: is there a leader, and is the view of the cluster up to date. */
export function healthSection({ health, state }: PageFacts): Html {
  const [leader, tone] = leaders[health.leader];
  const view = health.isCurrent ? mark('up to date', 'good') : mark('not up to date', 'bad');
  const unreadable = state.unreadable ?? [];
  return section(
    'health',
    'Scheduler',
    definitions([
      ['Leader', mark(leader, tone)],
      ['View of the cluster', view],
      [
        'Records',
        unreadable.length === 0 ? mark('all are read', 'good') : mark(`${unreadable.length} can not be read`, 'bad'),
      ],
    ]),
    !health.isCurrent &&
      html`<p>The API server does not answer, or the watches are late. What you see may be old; no run starts meanwhile.</p>`,
    unreadable.length > 0 &&
      html`<ul>${unreadable.slice(0, 10).map(({ configMap, cause }) => html`<li>ConfigMap ${configMap}: ${cause.slice(0, 300)}</li>`)}</ul>`,
  );
}
