import { imageLineSchema } from '../../contract/image-line.ts';
import { digestNames } from '../../contract/pull-verdicts.ts';
import { parseReport, type Report } from '../../contract/report.ts';
import type { RunPod } from '../objects.ts';
import { hasEnded } from '../pods/state.ts';
import type { Policy } from '../policy/policy.ts';
import type { ListedImages } from '../pull-checks.ts';
import type { CleanupPolicy } from './policy.ts';

/** True if registries are asked before the cleaners of the policy remove anything. */
export function asksRegistries(policy: Policy): boolean {
  return fieldWithQuestions(policy) !== undefined;
}

/** The path of the field because of which registries are asked; undefined without one. */
export function fieldWithQuestions(policy: Policy): string | undefined {
  const { requirePullable, keepLastCopy } = (policy as CleanupPolicy).images;
  if (requirePullable) return 'images.requirePullable';
  return keepLastCopy ? 'images.keepLastCopy' : undefined;
}

/** True if an image that no registry has may go where another node keeps a copy. */
export function sparesCopies(policy: Policy): boolean {
  const { requirePullable, keepLastCopy } = (policy as CleanupPolicy).images;
  return keepLastCopy && !requirePullable;
}

/** True if a cleaner has only listed images, so that registries can be asked about them. */
export function hasCandidates(report: Report | undefined): boolean {
  return report?.outcome === 'DryRun' && (report.candidates ?? 0) > 0;
}

/**
 * True if the cleaner of a pod has ended, and its log is to be read: it lists images about which registries are to be asked, or
 * the copies that the node has.
 */
export function hasListed(pod: RunPod, policy: Policy): boolean {
  if (pod.kind !== 'cleaner' || !hasEnded(pod)) return false;
  const report = parseReport(pod.containerMessage ?? '');
  if (report?.outcome !== 'DryRun' || report.candidates === undefined) return false;
  return report.candidates > 0 || sparesCopies(policy);
}

/** The used part of the disk with the images, from 0 to 1, as a cleaner has measured it; 0 if it could not. */
export function usedShareOf({ containerMessage = '' }: Pick<RunPod, 'containerMessage'>): number {
  const { capacityBytes = 0, usedBeforeBytes = 0 } = parseReport(containerMessage)?.filesystem ?? {};
  return capacityBytes === 0 ? 0 : usedBeforeBytes / capacityBytes;
}

/** The images that a cleaner has listed in its log. A line that is no image is left out. */
export function imagesIn(log: string): ListedImages {
  const images = log.split('\n').flatMap((line) => {
    if (!line.includes('"image"')) return [];
    const image = imageLineSchema.safeParse(parseLine(line)).data;
    return image === undefined ? [] : [image];
  });
  const candidates = images.filter(({ decision, outcome }) => decision === 'remove' && outcome === 'planned');
  return {
    ids: new Set(images.map(({ id }) => id)),
    candidates: new Map(candidates.map(({ id, names }) => [id, digestNames(names)])),
  };
}

/** Undefined for a line that is cut off, or that somebody else has written. */
function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
