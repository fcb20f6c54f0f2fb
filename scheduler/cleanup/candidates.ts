import { imageLineSchema } from '../../contract/image-line.ts';
import { digestNames } from '../../contract/pull-verdicts.ts';
import { parseReport, type Report } from '../../contract/report.ts';
import type { RunPod } from '../objects.ts';
import { hasEnded } from '../pods/state.ts';
import type { Policy } from '../policy/policy.ts';
import type { CleanupPolicy } from './policy.ts';

/** True if registries are asked before the cleaners of the policy remove anything. */
export function asksRegistries(policy: Policy): boolean {
  return (policy as CleanupPolicy).images.requirePullable;
}

/** True if a cleaner has only listed images, so that registries can be asked about them. */
export function hasCandidates(report: Report | undefined): boolean {
  return report?.outcome === 'DryRun' && (report.candidates ?? 0) > 0;
}

/** True if the cleaner of a pod has ended, and its log lists images about which registries are to be asked. */
export function namesCandidates(pod: RunPod): boolean {
  return pod.kind === 'cleaner' && hasEnded(pod) && hasCandidates(parseReport(pod.containerMessage ?? ''));
}

/** The names with a digest of the images that a cleaner has listed in its log. A line that is no such image is left out. */
export function candidatesIn(log: string): readonly string[] {
  const names = log.split('\n').flatMap((line) => {
    if (!line.includes('"planned"')) return [];
    const image = imageLineSchema.safeParse(parseLine(line)).data;
    return image?.decision === 'remove' && image.outcome === 'planned' ? digestNames(image.names) : [];
  });
  return [...new Set(names)];
}

/** Undefined for a line that is cut off, or that somebody else has written. */
function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
