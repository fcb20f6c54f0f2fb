import { hash } from '../../contract/labels.ts';
import type { Trigger } from '../policy/trigger.ts';

const maxPodNameLength = 63;

/** The name of a run is a function of policy and trigger, so creating its record starts it exactly once. */
export function runName(policy: string, trigger: Trigger): string {
  switch (trigger.type) {
    case 'Schedule':
      return `${policy}-${numberOf(trigger.slot)}`;
    case 'Request':
      return `${policy}-r${hash(trigger.request, 9)}`;
    case 'Pressure':
      return `${policy}-p${Math.floor(trigger.after.getTime() / 1000).toString(36)}`;
    default:
      return trigger satisfies never;
  }
}

/** The minute of a scheduled time; for one of `@every` within a minute the second, which has more digits. */
function numberOf(scheduledTime: Date): number {
  const seconds = Math.floor(scheduledTime.getTime() / 1000);
  return seconds % 60 === 0 ? seconds / 60 : seconds;
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
