import type { Severity } from '../reasons/severities.ts';

/** A vulnerability in an image. */
export interface Finding {
  /** The identifier, such as `CVE-2026-1234`. */
  readonly id: string;
  readonly severity: Severity;
  /** True if a version without the vulnerability exists; undefined if the report does not say. */
  readonly isFixable: boolean | undefined;
}

/** The report of a scanner about one image. */
export interface ImageReport {
  /** The name of the scanner. */
  readonly scanner: string;
  /** References by digest, or by tag if the report has no digest; at least one. */
  readonly images: readonly string[];
  readonly findings: readonly Finding[];
  /** The distribution that is at the end of its life; undefined if it is not, and null if the report does not say. */
  readonly endOfLife: string | undefined | null;
}
