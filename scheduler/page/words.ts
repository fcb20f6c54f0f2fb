import prettyMilliseconds from 'pretty-ms';
import type { PolicyOverview, RunOverview } from '../overview/overview.ts';
import { type Content, type Html, html } from './html.ts';

/** The time between two instants in its largest unit: `3d`. */
export function ageOf(from: Date, to: Date): string {
  return prettyMilliseconds(Math.abs(to.getTime() - from.getTime()), { compact: true });
}

/** An instant as people say it, with the exact time for machines and on hover. */
export function timeFrom(now: Date, at: Date): Html {
  const words = at > now ? `in ${ageOf(now, at)}` : `${ageOf(at, now)} ago`;
  return html`<time datetime="${at.toISOString()}" title="${at.toISOString()}">${words}</time>`;
}

export function durationOf(from: Date, to: Date): string {
  return prettyMilliseconds(Math.max(0, to.getTime() - from.getTime()), { secondsDecimalDigits: 0, unitCount: 2 });
}

const countFormat = new Intl.NumberFormat('en-US');

/** A number with groups of three digits: `5,000`. */
export function countOf(count: number): string {
  return countFormat.format(count);
}

/** A number of things: `1 node`, `5,000 nodes`. */
export function plural(count: number, noun: string): string {
  return `${countOf(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** The state of a policy in a word, as `nodesweep status` has it. */
export function stateOf({
  valid,
  suspended,
  observed,
}: PolicyOverview): 'Invalid' | 'Suspended' | 'Valid' | 'Unobserved' {
  if (!valid) return 'Invalid';
  if (suspended) return 'Suspended';
  return observed ? 'Valid' : 'Unobserved';
}

export function outcomeOf({ phase, outcome }: Pick<RunOverview, 'phase' | 'outcome'>): string {
  return outcome ?? phase;
}

/** The reason for which an image set is a problem of a policy, as a mark. */
export function setMark({ conditions }: PolicyOverview): Content {
  const problem = conditions.find(({ type, status }) => type === 'ImageSets' && status === 'False');
  return problem !== undefined && html` ${mark(problem.reason, 'warn')}`;
}

/** The colour of a word: good, bad, or neither. A word never depends on its colour alone. */
export type Tone = 'good' | 'bad' | 'warn' | 'calm';

const tones: Readonly<Record<string, Tone>> = {
  Succeeded: 'good',
  Valid: 'good',
  Present: 'good',
  Running: 'calm',
  Pulling: 'calm',
  Active: 'calm',
  Waiting: 'calm',
  Skipped: 'calm',
  Suspended: 'calm',
  Unknown: 'calm',
  Paused: 'warn',
  Unobserved: 'warn',
  TargetNotMet: 'warn',
  PartiallyFailed: 'warn',
  NoMatchingNodes: 'warn',
  NoEligibleNodes: 'warn',
  Stale: 'warn',
  Failed: 'bad',
  Invalid: 'bad',
};

/** A word as a coloured mark. */
export function mark(word: string, tone: Tone = tones[word] ?? 'calm'): Html {
  return html`<span class="mark ${tone}">${breakable(word)}</span>`;
}

/** A word of several parts, such as `PartiallyFailed`, may break between them on a narrow screen. */
function breakable(word: string): Content {
  return word.split(/(?<=[a-z])(?=[A-Z])/).map((part, index) => (index === 0 ? part : html`<wbr>${part}`));
}

/** The cause of the state of a node: its reason and the message. */
export function causeOf({
  reason,
  message,
}: {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}): Html {
  const separator = reason !== undefined && message !== undefined && ': ';
  return html`<span class="message">${reason !== undefined && html`<strong>${reason}</strong>`}${separator}${message}${reason === undefined && message === undefined && '–'}</span>`;
}

/** A reference with the beginning of its digest, where people compare only that. The page of the image has all of it. */
export function shortReference(reference: string): string {
  return reference.replace(/(@sha256:[\da-f]{12})[\da-f]{52}$/, '$1…');
}
