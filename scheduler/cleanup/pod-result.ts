import { imageSetUnreadable, parseReport, type Report, tooManyRemovals } from '../../contract/report.ts';
import type { RunPod } from '../objects.ts';
import { hasEnded, lacksRoom } from '../pods/state.ts';
import type { DiskMeasure } from '../run/disk-measure.ts';
import type { PodResult } from '../run/kind.ts';
import { hasCandidates } from './candidates.ts';
import { tallyOf } from './tally.ts';

/** Reads the result of a cleaner pod from its status, and from the report of the cleaner if there is one. */
export function cleanerResult(pod: RunPod): PodResult {
  if (!hasEnded(pod)) return { kind: 'Active' };
  const report = parseReport(pod.containerMessage ?? '');
  // The next pod removes what registries have.
  if (hasCandidates(report)) return { kind: 'Continue', memory: undefined };
  if (report !== undefined) return resultOfReport(report);
  if (lacksRoom(pod)) return { kind: 'Rejected', message: [pod.reason, pod.message].filter(Boolean).join(': ') };
  return { kind: 'NotDone', reason: lossReason(pod), message: lossMessage(pod) };
}

function resultOfReport(report: Report): PodResult {
  const [error] = report.errors;
  const message = error && `${error.image ? `${error.image}: ` : ''}${error.message}`;
  const tally = tallyOf(report);
  const disk = diskOf(report);
  switch (report.outcome) {
    case 'Succeeded':
    case 'TargetNotMet':
    case 'DryRun':
      return { kind: 'Done', result: 'Succeeded', reason: error?.reason, message, tally, disk };
    case 'PartiallyFailed':
      return {
        kind: 'Done',
        result: 'Failed',
        reason: error?.reason ?? 'RemovalsFailed',
        message: message ?? 'some images could not be removed',
        tally,
        disk,
      };
    case 'Failed':
      // The plan would be the same again.
      if (error?.reason === tooManyRemovals || error?.reason === imageSetUnreadable) {
        return { kind: 'Done', result: 'Failed', reason: error.reason, message, tally, disk };
      }
      return {
        kind: 'NotDone',
        reason: error?.reason ?? 'CleanerFailed',
        message: message ?? 'the cleaner attempted nothing',
      };
    default:
      return report.outcome satisfies never;
  }
}

/** A cleaner that could not measure a filesystem reports one without blocks. */
function diskOf({ filesystem, keptBytes, keptByReason: kept }: Report): DiskMeasure | undefined {
  if (filesystem.capacityBytes === 0) return undefined;
  return { ...filesystem, ...(keptBytes && { keptBytes }), ...(kept && { kept }) };
}

/** The reason of the pod shows who ended the pod; the reason of its container shows what ended the cleaner. */
function lossReason({ reason, containerReason, deletionTimestamp }: RunPod): string {
  if (reason !== undefined) return reason;
  if (containerReason === 'OOMKilled') return 'OutOfMemory';
  return deletionTimestamp === undefined ? 'CleanerCrashed' : 'PodDeleted';
}

function lossMessage(pod: RunPod): string {
  const detail = pod.message ?? pod.containerMessage;
  const ending =
    pod.exitCode === undefined ? 'ended without a container status' : `ended with exit code ${pod.exitCode}`;
  const cause = pod.deletionTimestamp === undefined ? '' : 'was deleted, and ';
  return `pod ${pod.name} ${cause}${ending} and without a report${detail ? `: ${detail}` : ''}`;
}
