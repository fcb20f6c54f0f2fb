import { hash } from '../../contract/labels.ts';
import type { Trigger } from '../policy/trigger.ts';

const maxPodNameLength = 63;

/** The name of a run is a function of policy and trigger, so creating its record starts it exactly once. */
export function runName(policy: string, trigger: Trigger): string {
  switch (trigger.type) {
    case 'Schedule':
      return `${policy}-${minuteOrSecondOf(trigger.slot)}`;
    case 'Request':
      return `${policy}-r${hash(trigger.request, 9)}`;
    case 'Pressure':
      return `${policy}-p${Math.floor(trigger.after.getTime() / 1000).toString(36)}`;
    case 'Nodes':
      return `${policy}-n${trigger.after.getTime().toString(36)}`;
    case 'Purge':
      return `${policy}-x${hash(trigger.request, 9)}`;
    default:
      return trigger satisfies never;
  }
}

/**
 * The minute of a scheduled time since the epoch. A time within a minute, which only `@every` has, is written as its second: a
 * second has more digits, so both never have the same name.
 */
function minuteOrSecondOf(scheduledTime: Date): number {
  const seconds = Math.floor(scheduledTime.getTime() / 1000);
  const isWholeMinute = seconds % 60 === 0;
  return isWholeMinute ? seconds / 60 : seconds;
}

/** The name of a pod is a function of run, node and try, so a second create of it changes nothing. */
export function podName(run: string, node: string, attempt: number): string {
  const suffix = hash(`${run}/${node}/${attempt}`, 10);
  return `${run.slice(0, maxPodNameLength - suffix.length - 1)}-${suffix}`;
}

/** The name of the ConfigMap that records a run. */
export function recordName(run: string): string {
  return `${run}.run`;
}

/** The name of the ConfigMap with the job of a run. */
export function jobName(run: string): string {
  return `${run}.job`;
}
