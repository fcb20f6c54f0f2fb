import type { SetBefore, SetContent, SetSource } from '../source.ts';
import { decide, type TrivyCriteria } from './images/decide.ts';
import { formatMemory, recallImages } from './images/remembered.ts';
import type { ImageReport } from './images/report.ts';

/** All reports of a cluster. */
export interface ReportList {
  readonly reports: readonly ImageReport[];
  /** The number of reports without a tag and a digest. */
  readonly withoutName: number;
  /** The number of reports that are not as the CRDs of Trivy Operator describe them. */
  readonly unreadable: number;
}

/** The reports of Trivy Operator in a cluster. */
export interface ReportPort {
  /** Reads all reports, or rejects with a message that names the next step. */
  readReports(signal: AbortSignal): Promise<ReportList>;
  /** The time of the cluster. */
  now(): Date;
}

/** The images that Trivy Operator has found vulnerable, now or when they were last used. */
export class TrivySource implements SetSource {
  readonly description = 'the reports of Trivy Operator';
  readonly #port: ReportPort;
  readonly #criteria: TrivyCriteria;
  readonly #warn: (message: string) => void;

  /** `warn` is told about reports that could not be used. */
  constructor(port: ReportPort, criteria: TrivyCriteria, warn: (message: string) => void) {
    this.#port = port;
    this.#criteria = criteria;
    this.#warn = warn;
  }

  async read(before: SetBefore, signal: AbortSignal): Promise<SetContent> {
    const { reports, withoutName, unreadable } = await this.#port.readReports(signal);
    if (withoutName > 0) this.#warn(`skipped reports of Trivy Operator without a tag and a digest: ${withoutName}`);
    if (unreadable > 0)
      this.#warn(`skipped reports of another shape than the CRDs of Trivy Operator describe: ${unreadable}`);
    const nowMs = this.#port.now().getTime();
    const { entries, remembered } = decide({ reports, remembered: recallImages(before, nowMs) }, this.#criteria, nowMs);
    return { entries, memory: formatMemory(remembered) };
  }
}
