import type { ValidPolicy } from '../../policy/parse.ts';
import { nextScheduledTime, scheduleOf } from '../../policy/schedule.ts';
import type { Trigger } from '../../policy/trigger.ts';
import { newRun, type Run } from '../../run/run.ts';
import type { PolicyPass } from '../context.ts';
import { knownDues } from './dues.ts';

/** A run that takes away everything of a policy, if one is due now, and the time of the next look. */
export interface NextPurge {
  readonly trigger?: Trigger | undefined;
  readonly at?: Date | undefined;
}

const withoutScheduleMs = 3_600_000;

/**
 * The next run for a purge. The first one is due at once, and the others at the scheduled times after it, as long as something
 * is left on a node. `request` identifies the purge. The name of a run follows from it and from the start of the run before.
 */
export function nextPurge(
  pass: PolicyPass,
  { kind, policy }: Pick<ValidPolicy, 'kind' | 'policy'>,
  request: string,
): NextPurge {
  const { journal, object, now } = pass;
  const before = journal.runs.of(object.name).filter((run) => isFor(run, request));
  const last = before.toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime())[0];
  const at = last && (nextScheduledTime(scheduleOf(policy), last.startedAt, last.startedAt) ?? later(last.startedAt));
  if (at !== undefined && at > now) return { at };
  const after = last === undefined ? '' : ` after ${last.startedAt.toISOString()}`;
  const trigger: Trigger = { type: 'Purge', request: `${request}${after}` };
  const run = newRun({ kind, policy: object.name, trigger, document: {}, spec: policy, resumedBy: undefined }, now);
  const { dueOn } = knownDues(pass, run);
  return pass.state.nodes.some((node) => dueOn(node).length > 0) ? { trigger } : {};
}

function isFor({ trigger }: Run, request: string): boolean {
  return trigger.type === 'Purge' && (trigger.request === request || trigger.request.startsWith(`${request} after `));
}

function later(time: Date): Date {
  return new Date(time.getTime() + withoutScheduleMs);
}
