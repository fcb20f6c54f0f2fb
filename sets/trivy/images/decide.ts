import type { SetEntry } from '../../../contract/images/image-set.ts';
import { compareNames } from '../../../contract/text.ts';
import { type Criteria, type Findings, findReason } from './findings.ts';
import type { ImageReport } from './report.ts';

/** An image of the set, as it must be known at the next look. */
export interface Remembered {
  readonly image: string;
  /** The time of the newest scan, in milliseconds since the epoch; 0 if it is not known. */
  readonly updatedMs: number;
  /** The time of the last look that found its report, in milliseconds since the epoch. */
  readonly seenMs: number;
  readonly evidence: Evidence;
}

/** The findings of a report, or only the reason that the set has, if the rest was lost. */
export type Evidence =
  | { readonly kind: 'findings'; readonly findings: Findings }
  | { readonly kind: 'reason'; readonly reason: string };

/** The images to find, and for how long an image without a report stays in the set. */
export interface TrivyCriteria extends Criteria {
  readonly expireMs: number;
}

/** The reports of a complete look, in any order, and what is remembered of the looks before. */
export interface Known {
  readonly reports: readonly ImageReport[];
  readonly remembered: readonly Remembered[];
}

export interface Decision {
  readonly entries: readonly SetEntry[];
  readonly remembered: readonly Remembered[];
}

/** A fact about an image: from a report of this look, or from memory. */
interface Observation extends Remembered {
  readonly isReported: boolean;
  /** The reason for which it puts the image into the set; undefined for an image that the set need not have. */
  readonly reason: string | undefined;
}

/**
 * Decides which images are vulnerable. Reports exist for workloads of now only, so that an image that is no longer used has
 * none: it stays in the set until a newer report of the same content clears it, a newer report shows that its tag has been
 * rebuilt, or it expires. Reports of several workloads may describe the same image: the newest of them counts.
 */
export function decide({ reports, remembered }: Known, criteria: TrivyCriteria, nowMs: number): Decision {
  const observations = [
    ...reports.map((report) => observeReport(report, criteria, nowMs)),
    ...remembered.map((image) => recall(image, criteria, nowMs)).filter((image) => isKept(image, criteria, nowMs)),
  ];
  const newest = newestByContent(observations);
  const rebuilt = scansOfTags(reports, nowMs);
  const images = [...new Set(observations.map(({ image }) => image))].sort(compareNames);
  const kept = images.flatMap((image) => {
    const observation = newest.get(contentOf(image));
    const isRebuilt = (rebuilt.get(image) ?? -1) >= (observation?.updatedMs ?? 0);
    return observation?.reason === undefined || isRebuilt ? [] : [{ ...observation, image }];
  });
  return {
    entries: kept.map((observation) => ({ image: observation.image, reason: describe(observation) })),
    remembered: kept.map(({ image, updatedMs, seenMs, evidence }) => ({ image, updatedMs, seenMs, evidence })),
  };
}

/** A scan in the future is from a wrong clock. No later scan could clear it. */
function observeReport(report: ImageReport, criteria: TrivyCriteria, nowMs: number): Observation {
  const { image, findings } = report;
  return {
    image,
    updatedMs: Math.min(report.updatedMs, nowMs),
    seenMs: nowMs,
    evidence: { kind: 'findings', findings },
    isReported: true,
    reason: findReason(findings, criteria),
  };
}

function recall(image: Remembered, criteria: TrivyCriteria, nowMs: number): Observation {
  const { evidence } = image;
  const reason = evidence.kind === 'reason' ? evidence.reason : findReason(evidence.findings, criteria);
  const seenMs = Math.min(image.seenMs, nowMs);
  return { ...image, updatedMs: Math.min(image.updatedMs, nowMs), seenMs, isReported: false, reason };
}

/** Memory only adds images: one that the options no longer ask for must not outweigh a report. */
function isKept({ seenMs, reason }: Observation, { expireMs }: TrivyCriteria, nowMs: number): boolean {
  return reason !== undefined && nowMs - seenMs <= expireMs;
}

/** The digest of an image, which is the same in all repositories; without a digest, its name. */
function contentOf(image: string): string {
  return image.slice(image.indexOf('@') + 1);
}

function newestByContent(observations: readonly Observation[]): ReadonlyMap<string, Observation> {
  const newest = new Map<string, Observation>();
  for (const observation of observations) {
    const content = contentOf(observation.image);
    const known = newest.get(content);
    if (known === undefined || compareAge(observation, known) < 0) newest.set(content, observation);
  }
  return newest;
}

/** Newest scan first. Of two scans at the same time, the one that finds something is first: nothing newer has cleared it. */
function compareAge(one: Observation, other: Observation): number {
  return (
    other.updatedMs - one.updatedMs ||
    Number(one.reason === undefined) - Number(other.reason === undefined) ||
    other.seenMs - one.seenMs ||
    Number(other.isReported) - Number(one.isReported) ||
    compareNames(one.reason ?? '', other.reason ?? '') ||
    compareNames(JSON.stringify(one.evidence), JSON.stringify(other.evidence))
  );
}

/**
 * The time of the newest scan that found a digest behind a tag, by `repository:tag`. An entry by this tag would also name the
 * image that has the tag now.
 */
function scansOfTags(reports: readonly ImageReport[], nowMs: number): ReadonlyMap<string, number> {
  const scans = new Map<string, number>();
  for (const { image, tagged, updatedMs } of reports) {
    if (tagged === undefined || tagged === image) continue;
    scans.set(tagged, Math.max(scans.get(tagged) ?? 0, Math.min(updatedMs, nowMs)));
  }
  return scans;
}

function describe({ reason = '', isReported, seenMs }: Observation): string {
  return isReported ? reason : `${reason}${lastReported}${new Date(seenMs).toISOString().slice(0, 10)}`;
}

/** Stands between the reason of a remembered image and the day of its last report. */
export const lastReported = ', last reported ';
